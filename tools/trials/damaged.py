"""What can befall files, disks and settings: each case is a command that must end with the code it should, in one line on stderr if that is not 0, without a traceback, without waiting ten seconds for nothing, and
with the good state kept: where a run can be continued it ends like one that nothing has befallen. Full and read-only disks are mounted, which needs root."""
import pickle
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

def mount(*args): subprocess.run(['mount', *map(str, args)], check=True)

@contextmanager
def disk(
    at,   # Folder
    size, # Bytes
):
    "A file system of its own"
    at.mkdir()
    mount('-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', at)
    try: yield at
    finally: subprocess.run(['umount', '-l', str(at)], check=True); at.rmdir()

@contextmanager
def read_only(
    folder, # Whose files can be read and not written
):
    "The same files, mounted read-only"
    mount('--bind', folder, folder)
    try:
        mount('-o', 'remount,bind,ro', folder)
        yield folder
    finally: subprocess.run(['umount', '-l', str(folder)], check=True)

class Cases:
    "The folders that cases begin from, and what is done with one"
    def __init__(self, table, d):
        self.table,self.d,self.whole,self.stopped = table,d,d/'whole',d/'stopped'
        self.small = [o for o in SMALL if o not in ('--save_minutes','1e-9')]
        names,_ = left_alone(self.whole, *self.small)
        second = [i for i,o in enumerate(names, 1) if o=='replace checkpoint.pt'][1]
        wait(start(cli.scl_train, '--out', self.stopped, *self.small, writes=Writes(self.stopped, second+2))) # in the third of its epochs
        (d/'t.toml').write_text('seeds = [0]\n[flags]\nlimit = 96\nbs = 32\nepochs = 1\nprobe_every = 0.0\n')

    def fresh(self, name='run', change=None):
        "A copy of the stopped run, something done to it"
        out = self.d/name
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(self.stopped, out)
        if change: change(out)
        return out

    def gone(self, name='run'):
        shutil.rmtree(self.d/name, ignore_errors=True)
        return self.d/name

    def continued(self, out):
        "What is wrong with a run after it was continued"
        if left := [o.name for o in out.rglob('*.tmp')]: return f'left {left}'
        begun = any((out/o).exists() for o in ('config.json','checkpoint.pt','checkpoint_before.pt'))
        row,text = judged(cli.scl_train, '--out', out, *self.small, *['--resume']*begun, d=self.d, codes=(0,))
        return ' '.join(differing(self.whole, out)) if not row['fault'] else f"cannot be continued: {text[-300:]}"

    def try_it(self, kind, case, command, *argv, after=None, **kw):
        "One case"
        row,_ = judged(command, *argv, d=self.d, **kw)
        lost = after() if after else ''
        self.table.add(kind=kind, case=case, lost=lost, **row)

def files(c):
    for name in sorted(o.name for o in c.stopped.iterdir() if o.is_file() and o.name not in ('.lock','log.txt')):
        for what in BYTES if name=='checkpoint.pt' else ('halved','empty','another file'): # the one before is used, or the file is made again
            def case(k, what=what, name=name):
                out = c.fresh(change=lambda r: (r/name).write_bytes(BYTES[what]((r/name).read_bytes())))
                c.try_it(*k, cli.scl_train, '--out', out, '--resume', codes=(0,), after=lambda: ' '.join(differing(c.whole, out)))
            yield f'{name}: {what}',case
    for what,f in BYTES.items():
        def both(k, f=f):
            out = c.fresh(change=lambda r: [(r/o).write_bytes(f((r/o).read_bytes())) for o in ('checkpoint.pt','checkpoint_before.pt')])
            c.try_it(*k, cli.scl_train, '--out', out, '--resume')
        def encoder(k, f=f):
            (path := c.d/'e.safetensors').write_bytes(f((c.whole/'encoder.safetensors').read_bytes()))
            c.try_it(*k, cli.scl_eval, path)
        yield f'both checkpoints: {what}',both
        if what!='a byte turned': yield f'encoder: {what}',encoder # a weight may have any value

def failing_writes(c):
    for error in (28, 30):
        for n in (1, 9, 20, 33, 75):
            def case(k, n=n, error=error):
                out = c.gone()
                c.try_it(*k, cli.scl_train, '--out', out, *c.small, writes=Full(out, n, error), codes=(0, 2), after=lambda: c.continued(out) if out.exists() else '')
            yield f'{os.strerror(error)} from write {n} on',case

def full_disks(c):
    size = sum(o.stat().st_size for o in c.whole.iterdir())
    for share in (.002, .1, .3, .5, .7, .9, 1., 1.1):
        def case(k, share=share):
            with disk(c.d/'small', int(share*size)) as at:
                def after():
                    mount('-o', f'remount,size={20*size}', at)
                    return c.continued(at/'run') if (at/'run').exists() else ''
                c.try_it(*k, cli.scl_train, '--out', at/'run', *c.small, codes=(0, 2), after=after)
        yield f'a new run on a disk of {share:.1%} of what it writes',case
    def in_full(command, *argv):
        def case(k):
            with disk(c.d/'small', 4096) as at:
                (at/'other').write_bytes(bytes(4096))
                c.try_it(*k, command, *argv)
        return case
    at = c.d/'small'
    yield 'scl_eval --out on a full disk',in_full(cli.scl_eval, c.whole, '--out', at/'e.json')
    yield 'scl_embed --out on a full disk',in_full(cli.scl_embed, pictures(c.d), '--run', c.whole, '--out', at/'features')
    yield 'scl_export --out on a full disk',in_full(cli.scl_export, c.whole, '--out', at/'encoder.onnx')
    yield 'scl_study --results on a full disk',in_full(cli.scl_study, c.d/'t.toml', '--results', at/'results', '--out', c.d/'study_runs')

def read_only_disks(c):
    def in_read_only(make, command, *argv, after=False):
        def case(k):
            out = make()
            out.mkdir(exist_ok=True)
            with read_only(out): c.try_it(*k, command, *argv)
            if after: c.table.change(lost=c.continued(out))
        return case
    run,empty = c.d/'run',lambda: c.gone('empty')
    yield 'a new run in a read-only folder',in_read_only(empty, cli.scl_train, '--out', c.d/'empty', *c.small)
    yield 'a new run below a read-only folder',in_read_only(empty, cli.scl_train, '--out', c.d/'empty'/'run', *c.small)
    yield '--resume in a read-only folder',in_read_only(c.fresh, cli.scl_train, '--out', run, '--resume', after=True)
    yield '--force in a read-only folder',in_read_only(c.fresh, cli.scl_train, '--out', run, *c.small, '--force', after=True)
    yield 'scl_eval --out in a read-only folder',in_read_only(empty, cli.scl_eval, c.whole, '--out', c.d/'empty'/'e.json')
    yield 'scl_embed --out in a read-only folder',in_read_only(empty, cli.scl_embed, pictures(c.d), '--run', c.whole, '--out', c.d/'empty'/'features')
    yield 'scl_export --out in a read-only folder',in_read_only(empty, cli.scl_export, c.whole, '--out', c.d/'empty'/'encoder.onnx')
    yield 'scl_study --results in a read-only folder',in_read_only(empty, cli.scl_study, c.d/'t.toml', '--results', c.d/'empty'/'results', '--out', c.d/'study_runs')
    yield 'scl_study --out in a read-only folder',in_read_only(empty, cli.scl_study, c.d/'t.toml', '--results', c.d/'results', '--out', c.d/'empty'/'runs')
    yield 'scl_ccem --out in a read-only folder',in_read_only(empty, cli.scl_ccem, 'delta', '--out', c.d/'empty'/'ccem')

def settings(c):
    for o in SETTINGS:
        def case(k, flags=o.split()):
            base = [] if '--resume' in flags else [*c.small]
            for name in flags[::2]:
                if name in base: i = base.index(name); del base[i:i+2]
            c.try_it(*k, cli.scl_train, '--out', c.gone(), *base, *flags, codes=(0, 1, 2))
        yield o,case

def pictures(d):
    "A folder of four pictures"
    from PIL import Image
    (folder := d/'pictures').mkdir(exist_ok=True)
    for i in range(4): Image.effect_noise((16, 16), 40+i).convert('RGB').save(folder/f'{i}.png')
    return folder

if __name__=='__main__':
    with trials(__doc__, 'damaged', 'kind','case') as (table,d):
        c,proof = Cases(table, d),Path('/tmp/reliability_code_was_run')
        proof.unlink(missing_ok=True)
        kinds = {'file': files, 'failing write': failing_writes, 'full disk': full_disks, 'read-only disk': read_only_disks, 'setting': settings}
        for kind,f in kinds.items():
            cases = dict(f(c))
            for k in table.missing(*[(kind, o) for o in cases]): cases[k[1]](k)
        assert not proof.exists()
    for kind in kinds:
        these = [o for o in table.rows if o['kind']==kind]
        print(f"{kind}: {len(these)} cases, {sum(bool(o['fault']) for o in these)} faults, {sum(bool(o['lost']) for o in these)} lost")
