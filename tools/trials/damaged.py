"""What can befall files, disks and settings: each case is a command that must end with the code it should, in one line on stderr if that is not 0, without a traceback, in less than ten seconds, and
with the good state kept: where a run can be continued it ends like one that nothing has befallen"""
import argparse,pickle,re
from forked import *
from safetensors.torch import save

class Hostile:
    def __reduce__(self): return os.system, ('touch /tmp/reliability_code_was_run',)

class Full(Writes):
    "A disk on which the `n`-th write and all after it fail"
    def __init__(self, folder, n, error): super().__init__(folder, n); self.error = error
    def event(self, kind, path):
        self.names.append(f'{kind} {Path(path).name}')
        if len(self.names)>=self.n: raise OSError(self.error, os.strerror(self.error), str(path))

def cut(share): return lambda b: b[:int(len(b)*share)]
def turn(share):
    def f(b):
        b = bytearray(b)
        b[int(len(b)*share)] ^= 255
        return bytes(b)
    return f
def torch_bytes(o):
    f = io.BytesIO()
    torch.save(o, f)
    return f.getvalue()

BYTES = {'halved': cut(.5), 'last byte gone': lambda b: b[:-1], 'empty': lambda b: b'', 'zeros': lambda b: bytes(len(b)), 'random': lambda b: random.Random(0).randbytes(len(b)), 'first byte turned': turn(0), 'a byte turned': turn(.4),
         'hostile pickle': lambda b: pickle.dumps(Hostile()), 'hostile torch file': lambda b: torch_bytes(Hostile()), 'wrong torch file': lambda b: torch_bytes(dict(version=2)), 'text': lambda b: b'[1, 2]', 'another file': lambda b: save(dict(a=torch.ones(3)))}
SETTINGS = ['--lr nan', '--lr inf', '--lr -1', '--lr 1e9', '--logit_scale 0', '--logit_scale 1e30', '--logit_bias nan', '--logit_bias 1e30', '--gamma -1', '--gamma nan', '--gamma 1e6', '--threshold 0', '--threshold 1', '--threshold nan', '--momentum 2',
            '--momentum -1', '--momentum_end nan', '--bs 1', '--bs 0', '--bs -3', '--bs 100000', '--epochs 0', '--epochs -1', '--minutes 0', '--minutes nan', '--probe_every 1.5', '--probe_every nan', '--probe_every -1', '--similar 1', '--similar -1',
            '--similar 100000', '--amp fp16', '--amp int8', '--n_global 0', '--n_local -1', '--seed -1', '--seed 99999999999', '--limit 0', '--limit 3', '--size 0', '--size 1', '--size -8', '--num_workers -1', '--save_minutes 0', '--save_minutes nan',
            '--wd -1', '--wd nan', '--warmup -1', '--warmup nan', '--gamma_steps 0', '--gamma_steps nan', '--loss nothing', '--encoder nothing', '--encoder resnet18_w0', '--data nothing', '--export both', '--n_out 0', '--chunk 0', '--chunk -1', '--view_size 0',
            '--local_size 0', '--override', '--force --resume', '--resume', '--bs x', '--epochs 1.5', '--size 1000000', '--n_out 1000000000', '--alpha -1 --loss relic', '--alpha nan --loss relic']

def run_case(rows, kind, case, command, *argv, writes=None, codes=(2,), d=None, after=None):
    "Run, look at the ending, note it"
    said = d/'said.txt'
    said.unlink(missing_ok=True)
    begin = time.time()
    code = wait(start(command, *argv, writes=writes, said=said))
    seconds,text = time.time()-begin,said.read_text(errors='replace')
    lines = [o for o in text.splitlines() if ': error: ' in o]
    fault = 'Traceback' in text or code not in codes or (code and len(lines)!=1)
    try: kept = after() if after else ''
    except (ValueError,OSError) as e: kept = str(e)
    rows.append(dict(kind=kind, case=case, code=code, traceback='Traceback' in text, seconds=round(seconds, 1), fault=bool(fault), lost=kept, said=(lines or [''])[-1][:160].replace(str(d), '...')))
    if fault or kept or seconds>10: print(rows[-1], text[-1500:] if fault else '', flush=True)

def trials(d):
    rows,small = [],[o for o in SMALL if o not in ('--save_minutes','1e-9')]
    assert wait(start(cli.scl_train, '--out', d/'whole', *small, writes=Writes(d/'whole'), said=d/'w'))==0, (d/'w').read_text()
    names = [o for o in (d/'w').read_text().splitlines() if re.fullmatch(r'(open|write|fsync|replace) \S+', o)]
    second = [i for i,o in enumerate(names, 1) if o=='replace checkpoint.pt'][1]
    stopped = d/'stopped' # in the third of its epochs
    wait(start(cli.scl_train, '--out', stopped, *small, writes=Writes(stopped, second+2)))
    def fresh(change=None):
        shutil.rmtree(d/'run', ignore_errors=True)
        shutil.copytree(stopped, d/'run')
        if change: change(d/'run')
        return '--out',d/'run'
    def ends_well():
        if wait(start(cli.scl_train, '--out', d/'run', '--resume', said=d/'s'))!=0: return 'cannot be resumed'
        return ' '.join(differing(d/'whole', d/'run'))
    here = sorted(o.name for o in stopped.iterdir() if o.is_file() and o.name!='.lock')
    for name in here:
        if name=='log.txt': continue
        for what in BYTES if name=='checkpoint.pt' else ('halved','empty','another file'): # the one before is used, or the file is made again
            argv = fresh(lambda r: (r/name).write_bytes(BYTES[what]((r/name).read_bytes())))
            run_case(rows, 'file', f'{name}: {what}', cli.scl_train, *argv, '--resume', codes=(0,), d=d, after=lambda: ' '.join(differing(d/'whole', d/'run')))
    for what,f in BYTES.items():
        def both(r):
            for k in ('checkpoint.pt','checkpoint_before.pt'): (r/k).write_bytes(f((r/k).read_bytes()))
        run_case(rows, 'file', f'both checkpoints: {what}', cli.scl_train, *fresh(both), '--resume', d=d)
        shutil.copy(d/'whole'/'encoder.safetensors', d/'e.safetensors')
        (d/'e.safetensors').write_bytes(f((d/'e.safetensors').read_bytes()))
        if what!='a byte turned': run_case(rows, 'file', f'encoder: {what}', cli.scl_eval, d/'e.safetensors', d=d)
    for error in (28, 30):
        for n in (1, 9, 20, 33, 75):
            shutil.rmtree(d/'run', ignore_errors=True)
            def after():
                left = [o.name for o in (d/'run').rglob('*.tmp')]
                if left: return f'left {left}'
                if not (d/'run'/'config.json').exists(): return ''
                return ends_well()
            run_case(rows, 'disk', f'{os.strerror(error)} at write {n}', cli.scl_train, '--out', d/'run', *small, writes=Full(d/'run', n, error), codes=(0, 2), d=d, after=after)
    for o in SETTINGS:
        shutil.rmtree(d/'run', ignore_errors=True)
        flags = o.split()
        base = [] if '--resume' in flags else [*small]
        for k in flags[::2]:
            if k in base: i = base.index(k); del base[i:i+2]
        run_case(rows, 'setting', o, cli.scl_train, '--out', d/'run', *base, *flags, codes=(0, 1, 2), d=d)
    return rows

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--results', type=Path, default=RESULTS/'reliability_damaged.csv')
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as d: rows = trials(Path(d))
    assert not Path('/tmp/reliability_code_was_run').exists()
    store(rows, args.results)
    for kind in ('file','disk','setting'):
        these = [o for o in rows if o['kind']==kind]
        print(f"{kind}: {len(these)} cases, {sum(o['fault'] for o in these)} faults, {sum(bool(o['lost']) for o in these)} lost, {max(o['seconds'] for o in these)} s at most")
