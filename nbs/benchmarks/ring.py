"""Time of the sigmoid loss across processes, forward and backward: the ring against all-gather. Writes results/ring_time.csv.

python nbs/benchmarks/ring.py       # 1, 2 and 4 gloo processes on this machine with one thread each, formulations interleaved, medians; then the constants of the model
"""
import csv, json, os, subprocess, sys, tempfile, time
from pathlib import Path
import torch, torch.distributed as dist, torch.nn.functional as F
from sigmoid_cl import distributed
from sigmoid_cl.distributed import ring_sigmoid_loss
from sigmoid_cl.fused import LossOptions, block_sums
from sigmoid_cl.losses import unit_rows
from sigmoid_cl.selection import OwnPartners

RESULTS,SEED,SCALE,BIAS = Path(__file__).resolve().parents[2]/'results',0,10.,-10.
WORLDS,SIZES = (1,2,4),((512,64),(2048,64),(512,512),(2048,512))

class Gathered(torch.autograd.Function):
    "Rows of all processes; the gradient of the own rows is summed over the processes"
    @staticmethod
    def forward(ctx, v):
        rows = [torch.empty_like(v) for _ in range(dist.get_world_size())]
        dist.all_gather(rows, v)
        return torch.cat(rows)
    @staticmethod
    def backward(ctx, grad):
        grad = grad.contiguous()
        dist.all_reduce(grad)
        return grad.chunk(dist.get_world_size())[dist.get_rank()]

def gather_plain(u, v, t, b):
    "All-gather of the target rows, then the equation on a matrix of own rows against all rows"
    every = Gathered.apply(F.normalize(v, dim=1))
    z = t*F.normalize(u, dim=1)@every.T + b
    own = torch.arange(len(u))
    signs = torch.full_like(z, -1.)
    signs[own,own+len(u)*dist.get_rank()] = 1.
    return F.softplus(-signs*z).sum()/len(u) # W/N times the own rows

class Tiles(torch.autograd.Function):
    "Loss of own rows with all rows, in the tiles of the fused loss"
    @staticmethod
    def forward(ctx, u, every, t, b):
        n = len(u)
        du,dv,at = torch.zeros_like(u),torch.zeros_like(every),slice(n*dist.get_rank(), n*dist.get_rank()+n)
        loss = slope = 0.
        for lo,hi,k in ((0,at.start,None),(at.start,at.stop,n),(at.stop,len(every),None)):
            if hi==lo: continue
            l,g,_ = block_sums(u, every[lo:hi], t, b, OwnPartners(k), LossOptions(), du, dv[lo:hi])
            loss,slope = loss+l,slope+g
        ctx.save_for_backward(du*t/n, dv*t/n, (u*du).sum()/n, slope.to(u.dtype)/n)
        return (loss/n).to(u.dtype)
    @staticmethod
    def backward(ctx, grad): return tuple(grad*o for o in ctx.saved_tensors)

def gather_tiles(u, v, t, b):
    "All-gather of the target rows, then the tiles of the fused loss"
    return Tiles.apply(unit_rows(u), Gathered.apply(unit_rows(v)), t, b)

def waiting_ring(u, v, t, b):
    "The ring without overlap: each exchange is waited for before the next block is worked on"
    start = distributed._Ring.start
    def now(*args):
        start(*args)()
        return lambda: None
    distributed._Ring.start = now
    try: return ring_sigmoid_loss(u, v, t, b)
    finally: distributed._Ring.start = start

WAYS = {'ring': ring_sigmoid_loss, 'ring, waiting': waiting_ring, 'all-gather, tiles': gather_tiles, 'all-gather, matrix': gather_plain}

def inputs(n, d):
    torch.manual_seed(SEED+dist.get_rank())
    return [torch.randn(n, d).requires_grad_(), torch.randn(n, d).requires_grad_(), torch.tensor(SCALE, requires_grad=True), torch.tensor(BIAS, requires_grad=True)]

def check():
    "The formulations give the same loss and gradients"
    args = inputs(60, 16)
    want = None
    for f in WAYS.values():
        loss = f(*args)
        got = [loss.detach(), *torch.autograd.grad(loss, args)]
        want = want or got
        for a,b in zip(got, want): torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)

def slowest(f):
    "Seconds of the slowest process"
    dist.barrier()
    s = time.perf_counter(); f()
    t = torch.tensor(time.perf_counter()-s)
    dist.all_reduce(t, op=dist.ReduceOp.MAX)
    return t.item()

def medians(runs, reps):
    for f in runs.values(): f()
    times = {k: [] for k in runs}
    for _ in range(reps):
        for k,f in runs.items(): times[k].append(slowest(f))
    return {k: (sorted(o)[reps//2], min(o), reps) for k,o in times.items()}

def exchange(size):
    "A block to the previous process and one from the next, as in the ring"
    W,r = dist.get_world_size(),dist.get_rank()
    out,into = torch.zeros(size//4),torch.empty(size//4)
    def f():
        for o in dist.batch_isend_irecv([dist.P2POp(dist.isend, out, (r-1)%W), dist.P2POp(dist.irecv, into, (r+1)%W)]): o.wait()
    return f

def worker(rank, world, folder):
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=world)
    check()
    rows = []
    def add(way, n, d, seconds, fastest, reps): rows.append(dict(way=way, processes=world, n=n, d=d, seconds=f'{seconds:.3g}', fastest=f'{fastest:.3g}', repeats=reps))
    for n,d in SIZES:
        args = inputs(n, d)
        done = medians({k: (lambda f=f: torch.autograd.grad(f(*args), args)) for k,f in WAYS.items()}, 7 if n<1000 else 5)
        for k,o in done.items(): add(k, n, d, *o)
        if world==1: add('per pair', n, d, *[x/n**2 for x in done['ring'][:2]], done['ring'][2])
    if world==2:
        small,large = 64,1<<22
        done = medians({k: exchange(k) for k in (small, large)}, 41)
        add('latency', 0, 0, *done[small])
        add('per byte', 0, 0, *[max(a-b, 0.)/(large-small) for a,b in zip(done[large][:2], done[small][:2])], 41)
    if not rank: Path(f'{folder}/rows.json').write_text(json.dumps(rows))
    dist.barrier()
    os._exit(0)

def main():
    rows = []
    for world in WORLDS:
        with tempfile.TemporaryDirectory() as folder:
            env = {**os.environ, 'GLOO_SOCKET_IFNAME':'lo', 'OMP_NUM_THREADS':'1'}
            procs = [subprocess.Popen([sys.executable, __file__, str(k), str(world), folder], env=env) for k in range(world)]
            if any([o.wait() for o in procs]): raise SystemExit(f'{world} processes failed')
            rows += json.loads(Path(f'{folder}/rows.json').read_text())
            for r in rows:
                if r['processes']==world: print(r['processes'], 'processes', r['n'], r['d'], r['way'], r['seconds'], flush=True)
    common = dict(cores=os.cpu_count(), threads=1, torch=torch.__version__, seed=SEED)
    with (RESULTS/'ring_time.csv').open('w', newline='') as o:
        w = csv.DictWriter(o, fieldnames=[*rows[0], *common]); w.writeheader(); w.writerows({**r, **common} for r in rows)

if __name__=='__main__': worker(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]) if len(sys.argv)>1 else main()
