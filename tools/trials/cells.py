"The cells of a notebook in a forked process, which need not import what all notebooks import; the trials beside this file use it"
import os,re,resource,shutil,signal,sys,threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

def preload():
    "Import what notebooks stand on, and nothing of the package itself"
    import fastai.callback.all,fastai.data.all,matplotlib.pyplot,nbdev.test,pandas,scipy.optimize,scipy.sparse,sklearn.linear_model,sklearn.pipeline,torch,torchvision # noqa

def copied(
    to, # Folder that is made
):      # `to`
    "The project without its history and without what is built from it"
    shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns('.git', '.ci', '_proc', '_docs', '_site', '.venv', '__pycache__', '*.egg-info', 'scl_runs'))
    return Path(to)

def export_cells(
    nb, # Path of a notebook
):      # Tuples (id, source) of the cells that are exported
    "What a notebook gives to its module"
    from fastcore.nbio import read_nb
    return [(c.id, c.source) for c in read_nb(nb).cells if c.cell_type=='code' and re.match(r'#\|\s*export', c.source)]

def body(
    source, # Of an exported cell
):          # As it stands in the module
    "A cell without its directives, imports made relative"
    lines = source.splitlines()
    while lines and lines[0].startswith('#|'): lines.pop(0)
    text = re.sub(r'^from sigmoid_cl import', 'from . import', '\n'.join(lines), flags=re.M)
    return re.sub(r'^from sigmoid_cl\.(\w+ import)', r'from .\1', text, flags=re.M).strip('\n')

def section(
    text, # Of a module
    id,   # Of a cell
):        # Number of its first line from 0, and the lines
    "Where a cell stands in a module"
    lines = text.splitlines()
    first = next(i for i,o in enumerate(lines) if o.startswith('# %% ') and o.endswith(f'#{id}'))+1
    last = next((i for i in range(first, len(lines)) if lines[i].startswith('# %% ')), len(lines))
    return first,lines[first:last]

def _cells(nb, root, change, before, skip):
    "Run the cells: '' when all went well, otherwise the number of the cell and the kind of error"
    from nbdev.process import NBProcessor
    from nbdev.test import _skip_cell
    from execnb.shell import CaptureShell
    from fastcore.xtras import working_directory
    os.environ |= dict(IN_TEST='1', PYTHONPATH=str(root))
    sys.path.insert(0, str(root))
    end = before() if before else None
    path,nb,at = Path(nb),NBProcessor(nb, rm_directives=False, process=True).nb,[]
    leave = _skip_cell(nb, skip)
    if change:
        for c in nb.cells:
            if c.cell_type=='code': c.source = change(c.id, c.source)
    def pre(cell):
        if not (res := leave(cell)): at.append(cell.id)
        return res
    shell = CaptureShell(path)
    with working_directory(path.parent):
        try: shell.run_all(nb, exc_stop=True, preproc=pre)
        except Exception as e: return f'{at[-1]} {type(e).__name__}'
        finally:
            if end: end()
    return ''

def run_cells(
    nb,           # Path of a notebook in `root`
    root,         # A copy of the project
    *,
    seconds=600,  # Of processor time at most; ten times as many on the clock
    change=None,  # Maps id and source of a code cell to the source that is run
    before=None,  # Called first; what it returns is called last
    skip=('slow','cuda','data'), # Cells with these marks are left out
):                # '' when all went well, otherwise number of the cell and kind of error, or 'time' or 'memory'; seconds of processor time
    "Run a notebook in a process of its own"
    read,write = os.pipe()
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.stdout.flush()
    if not (pid := os.fork()):
        code = 1
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for o in (0, 1, 2): os.dup2(nothing, o)
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)+5))
            resource.setrlimit(resource.RLIMIT_DATA, (6<<30, 6<<30))
            os.write(write, _cells(nb, Path(root), change, before, skip).encode() or b'ok')
            code = 0
        except BaseException as e: os.write(write, f'- {type(e).__name__}'.encode())
        finally: os._exit(code)
    os.close(write)
    timer = threading.Timer(10*seconds, lambda: os.killpg(pid, signal.SIGKILL))
    timer.start()
    said = b''
    while part := os.read(read, 4096): # ends with the process, and with all that it has begun
        said += part
        if said: break
    _,status = os.waitpid(pid, 0)
    timer.cancel()
    os.close(read)
    try: os.killpg(pid, signal.SIGKILL) # workers that were left
    except (ProcessLookupError,PermissionError): pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = used.ru_utime+used.ru_stime-begin.ru_utime-begin.ru_stime
    said = said.decode()
    return ('' if said=='ok' else said or ('time' if os.WIFSIGNALED(status) else 'exit')),spent
