"Commands run in forked processes that are cut short at a given write, or that lose what was not forced to the disk; the trials beside this file use it"
import argparse,builtins,csv,hashlib,io,json,os,random,re,shutil,signal,subprocess,sys,tempfile,time
from contextlib import contextmanager
from pathlib import Path
import torch
from sigmoid_cl import cli,evaluate,run,study
from sigmoid_cl.checkpoint import read_state

TIMES = 'seconds','images_per_second','seconds_by_phase','cpu_seconds'
RESULTS = Path(__file__).resolve().parents[2]/'results'
evaluate.few_label_scores.__kwdefaults__ |= dict(labels=(1,), draws=2) # the probes are not what is tried, and take most of a small run

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

def sleeping(pid):
    "Whether no thread of a process computes, is ready to, or waits for a disk"
    try: return not any(o.read_text().rpartition(') ')[2][0] in 'RD' for o in Path(f'/proc/{pid}/task').glob('*/stat'))
    except OSError: return False # one has just ended

def ending(
    pid,           # From `start`
    limit:int=600, # Seconds after which it is killed
)->dict:           # `code` (negative for a signal), `seconds`, `cpu`, `idle` (longest time in which it slept), `peak_mb` (MiB), `load` of the machine
    "Wait for a process, and say what it used"
    begin = awake = time.time()
    idle = 0.
    while not os.waitid(os.P_PID, pid, os.WEXITED|os.WNOHANG|os.WNOWAIT):
        now = time.time()
        if now-begin>limit: os.kill(pid, signal.SIGKILL)
        if not sleeping(pid): awake = now
        idle = max(idle, now-awake)
        time.sleep(.05)
    seconds = time.time()-begin
    _,status,used = os.wait4(pid, 0)
    return dict(code=os.waitstatus_to_exitcode(status), seconds=round(seconds, 1), cpu=round(used.ru_utime+used.ru_stime, 1), idle=round(idle, 1), peak_mb=used.ru_maxrss>>10, load=round(os.getloadavg()[0], 1))

def wait(pid, limit=600):
    "Exit code, negative for a signal"
    return ending(pid, limit)['code']

def contents(folder):
    "Everything a run leaves, without times"
    def read(o):
        if o.name=='metrics.json': return {k: v for k,v in json.loads(o.read_text()).items() if k not in TIMES}
        if o.name=='index.html': return re.sub(r'<tr><th>(seconds of training|images per second|out)</th>.*?</tr>', '', o.read_text())
        if o.name.startswith('checkpoint'):
            try: return {k: v for k,v in read_state(o).items() if k!='seconds'}
            except ValueError as e: return str(e)
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

SMALL = '--limit','64','--bs','32','--epochs','2','--probe_every','1','--no_baselines','--n_local','1','--amp','none','--save_minutes','1e-9'
VARIANTS = dict(gamma=('--gamma','1'), filter=('--threshold','.05','--warmup','.3'), similar=('--similar','8'), infonce=('--loss','infonce'))

PACKAGE = hashlib.sha256(b''.join(o.read_bytes() for o in sorted(Path(cli.__file__).parent.glob('*.py')))).hexdigest()[:8]

class Trials:
    "A table of trials in a CSV file; a trial that is there, with today's package, is not made again"
    def __init__(self,
        path,  # CSV file
        *keys, # Names of the columns that say which trial it is
    ):
        self.path,self.keys,self.rows = Path(path),keys,[]
        if self.path.is_file():
            with open(self.path, newline='') as f: self.rows = [o for o in csv.DictReader(f) if o.get('package')==PACKAGE]

    def key(self, row): return [str(row[k]) for k in self.keys]
    def missing(self,
        *plan, # Values of `keys`, a tuple a trial
    )->list:   # Those that are to be made
        "What is left of a plan"
        done = [self.key(o) for o in self.rows]
        return [o for o in plan if [str(v) for v in o] not in done]

    def add(self,
        **row, # By column
    ):
        "Store a trial at once"
        self.rows.append(row | dict(package=PACKAGE))
        print(row, flush=True)
        self.store()

    def change(self, **kw):
        "Correct the last trial"
        self.rows[-1] |= kw
        self.store()

    def store(self):
        store(self.rows, tmp := self.path.with_suffix('.tmp'))
        os.replace(tmp, self.path)

@contextmanager
def trials(
    about:str,  # What the script does
    name:str,   # Of its table
    *keys,      # As for `Trials`
):              # The table, and a folder that goes afterwards
    "What every trial begins and ends with"
    p = argparse.ArgumentParser(description=about)
    p.add_argument('--results', type=Path, default=RESULTS/f'reliability_{name}.csv', help='table that is written, and gone on with')
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as d: yield Trials(args.results, *keys),Path(d)

def left_alone(
    out,    # Folder of the run
    *flags, # Of the run
)->tuple:   # Names of its writes, in their order, and seconds
    "A run that nothing befalls"
    said,begin = out.with_suffix('.txt'),time.time()
    assert wait(start(cli.scl_train, '--out', out, *flags, writes=Writes(out), said=said))==0, said.read_text()
    names = [o for o in said.read_text().splitlines() if o.split(' ')[0] in ('open','write','fsync','replace') and len(o.split(' '))==2]
    return names,time.time()-begin

def cut_and_continued(
    whole,        # Folder of a run that was left alone
    out,          # Folder for this one
    flags,        # Of both
    *,
    writes=None,  # `Writes` that end it
    seconds=None, # After which it is killed otherwise
    between=None, # What happens before it is continued
)->dict:          # `killed`, `resumed`, `code` of the continued run, and names of files that are `differing`
    "A run that is cut, and continued until it is done"
    said = out.with_suffix('.txt')
    shutil.rmtree(out, ignore_errors=True)
    said.unlink(missing_ok=True)
    argv = '--out',out,*flags
    pid = start(cli.scl_train, *argv, writes=writes, said=said)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    code = wait(pid)
    if between: between()
    resume = any((out/o).exists() for o in ('config.json','checkpoint.pt','checkpoint_before.pt'))
    again = wait(start(cli.scl_train, *argv, *['--resume']*resume, said=said))
    wrong = differing(whole, out) if not again else ['exit code']
    if wrong: print(said.read_text()[-3000:])
    return dict(killed=code==-9, resumed=resume, code=again, differing=' '.join(wrong))

def judged(
    command,      # Function of `sigmoid_cl.cli`
    *argv,        # Its arguments
    d,            # Folder for what is said
    writes=None,  # `Writes` that count
    codes=(2,),   # Exit codes that are right
    limit:int=120,# Seconds after which it is killed
)->tuple:         # A row (what was used, and a `fault` or ''), and what was said
    "Run a command, and look how it ends: the right code, one line about an error, no traceback, no waiting"
    said = d/'said.txt'
    said.unlink(missing_ok=True)
    row = ending(start(command, *argv, writes=writes, said=said), limit)
    text = said.read_text(errors='replace')
    lines = [o for o in text.splitlines() if ': error: ' in o]
    faults = dict(traceback='Traceback' in text, code=row['code'] not in codes, lines=row['code'] and len(lines)!=1, hang=row['idle']>10 or row['code']==-9)
    row |= dict(fault=' '.join(k for k,v in faults.items() if v), said=''.join(o if o.isprintable() else '?' for o in (lines or [''])[-1].replace(str(d), '...')[:160]))
    if row['fault']: print(text[-2000:], flush=True)
    return row,text

def store(
    rows, # Dicts with the same keys
    path, # CSV file
):
    "Write a table"
    with open(path, 'w', newline='') as f:
        out = csv.DictWriter(f, rows[0], lineterminator='\n')
        out.writeheader(), out.writerows(rows)
