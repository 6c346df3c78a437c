"Commands run in forked processes that are cut short at a given write, or that lose what was not forced to the disk; the trials beside this file use it"
import builtins,csv,io,json,os,random,shutil,signal,subprocess,sys,tempfile,time
from pathlib import Path
import torch
from sigmoid_cl import cli,run,study
from sigmoid_cl.checkpoint import read_state

TIMES = 'seconds','images_per_second','seconds_by_phase','cpu_seconds'
RESULTS = Path(__file__).resolve().parents[2]/'results'

class Writes:
    "Counts the writes below a folder: a file opened, its bytes, their forcing, a renaming. The `n`-th is the last thing that the process does"
    def __init__(self,
        folder,       # Where writes count
        n:int=0,      # Which is cut; 0 for none
        disk:Path=None, # Folder that keeps what would be on the disk after a power cut
    ): self.folder,self.n,self.disk,self.names = str(folder),n,disk,[]

    def event(self, kind, path):
        self.names.append(f'{kind} {Path(path).name}')
        if len(self.names)==self.n: os.kill(os.getpid(), signal.SIGKILL)

    def __enter__(self):
        really_open,fsync,replace = builtins.open,os.fsync,os.replace
        def open_(file, mode='r', *args, **kw):
            f = really_open(file, mode, *args, **kw)
            if isinstance(file, int) or 'r' in mode or not str(file).startswith(self.folder): return f
            self.event('open', file)
            if 'b' in mode: return Half(self, f, file)
            return f
        def fsync_(fd):
            path = os.readlink(f'/proc/self/fd/{fd}')
            fsync(fd)
            if path.startswith(self.folder):
                self.event('fsync', path)
                if self.disk: self.sync(path)
        def replace_(a, b):
            replace(a, b)
            if str(b).startswith(self.folder): self.event('replace', b)
        builtins.open,os.fsync,os.replace = open_,fsync_,replace_
        return self

    def __exit__(self, *_): pass # the process ends with the block

    def sync(self, path):
        "A file: its bytes are safe; a folder: its names are"
        if os.path.isdir(path):
            names = {o.name: o.stat().st_ino for o in Path(path).iterdir() if o.is_file()}
            (self.disk/f'{os.stat(path).st_ino}.names').write_text(json.dumps(names))
        else: shutil.copyfile(path, self.disk/f'{os.stat(path).st_ino}.bytes')

class Half:
    "A file of which half of the bytes are written when the process is cut at its write"
    def __init__(self, writes, f, path): self.writes,self.f,self.path = writes,f,path
    def write(self, data):
        if len(self.writes.names)+1==self.writes.n:
            self.f.write(data[:len(data)//2])
            self.f.flush()
        res = self.f.write(data)
        self.writes.event('write', self.path)
        return res
    def __getattr__(self, k): return getattr(self.f, k)
    def __enter__(self): return self
    def __exit__(self, *args): self.f.close()

def start(
    command,    # Function of `sigmoid_cl.cli`
    *argv,      # Its arguments
    writes=None,# `Writes` that count
    said=None,  # File for what it prints
):              # Process number
    "A command in a forked process"
    sys.stdout.flush()
    if pid := os.fork(): return pid
    code = 1
    try:
        out = os.open(said or os.devnull, os.O_WRONLY|os.O_CREAT|os.O_APPEND)
        os.dup2(out, 1), os.dup2(out, 2)
        sys.stdout,sys.stderr = os.fdopen(1, 'w', errors='backslashreplace'),os.fdopen(2, 'w', errors='backslashreplace')
        if writes: writes.__enter__()
        command([str(o) for o in argv])
        code = 0
        if writes and said: print('\n'.join(writes.names))
    except SystemExit as e: code = e.code or 0
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        for o in (sys.stdout, sys.stderr):
            try: o.flush()
            except OSError: pass
        os._exit(code)

def wait(pid, limit=600):
    "Exit code, negative for a signal"
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def contents(folder):
    "Everything a run leaves, without times"
    def read(o):
        if o.name=='metrics.json': return {k: v for k,v in json.loads(o.read_text()).items() if k not in TIMES}
        if o.name.startswith('checkpoint'): return {k: v for k,v in read_state(o).items() if k!='seconds'}
        return o.read_bytes()
    skip = lambda o: o.name in ('.lock','log.txt') or o.name.endswith('.tmp')
    return {o.name: read(o) for o in Path(folder).iterdir() if not skip(o)}

def equal(a, b):
    "Whether nested contents are equal, to the last bit; what the clock says apart"
    if type(a) is not type(b): return False
    if isinstance(a, dict): return a.keys()==b.keys() and all(k=='step_timer' or equal(a[k], b[k]) for k in a)
    if isinstance(a, (list,tuple)): return len(a)==len(b) and all(map(equal, a, b))
    if isinstance(a, torch.Tensor): return a.dtype==b.dtype and torch.equal(a, b)
    return a==b or a!=a and b!=b

def differing(a, b):
    "Names of files that differ"
    a,b = contents(a),contents(b)
    return sorted(k for k in a.keys()|b.keys() if k not in a or k not in b or not equal(a[k], b[k]))

SMALL = '--limit','96','--bs','32','--epochs','3','--probe_every','1','--no_baselines','--n_local','1','--amp','none','--save_minutes','1e-9'
VARIANTS = dict(gamma=(), filter=('--threshold','.05','--warmup','.3'), similar=('--similar','8'), infonce=('--loss','infonce'))

def store(
    rows, # Dicts with the same keys
    path, # CSV file
):
    "Write a table of trials"
    with open(path, 'w', newline='') as f:
        out = csv.DictWriter(f, rows[0].keys(), lineterminator='\n')
        out.writeheader(), out.writerows(rows)
