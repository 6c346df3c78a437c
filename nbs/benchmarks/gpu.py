"""Time and peak memory of sigmoid losses on a CUDA device, forward and backward. Writes results/loss_gpu.csv; checks gradients against double precision first.

python nbs/benchmarks/gpu.py                  # every size that fits
python nbs/benchmarks/gpu.py --check          # the check alone; also on a CPU
"""
import argparse, csv
from importlib import util
from pathlib import Path
from statistics import median
import torch, torch.nn.functional as F
from sigmoid_cl.fused import SigmoidLoss, loss_path
from sigmoid_cl.losses import sigmoid_loss

RESULTS,SEED,SCALE,BIAS = Path(__file__).resolve().parents[2]/'results',0,10.,-10.
SIZES,DIMS,DTYPES = (4096,16384,65536,131072,262144),(64,512,768),(torch.bfloat16,torch.float32)
MATRIX = 40e9 # bytes: a formulation that keeps matrices is left out where one of them is larger

def eager(u, v, t, b):
    "The equation, as most write it; also what open_clip's loss does"
    z = t*F.normalize(u, dim=1)@F.normalize(v, dim=1).T + b
    return -F.logsigmoid((2*torch.eye(len(u), device=u.device, dtype=z.dtype)-1)*z).sum()/len(u)

def groups_of(n, device): return torch.arange(n, device=device)//4

def forms(bf16):
    "Name to (function, whether it keeps a matrix)"
    ours = lambda **kw: SigmoidLoss(bf16=bf16, **kw)
    grouped = ours()
    fs = {'eager': (eager, True), 'compiled': (torch.compile(eager), True), 'sigmoid_cl SCL': (ours(), False), 'sigmoid_cl gamma=1': (ours(gamma=1.), False), 'sigmoid_cl threshold=.05': (ours(threshold=.05), False),
          'sigmoid_cl groups of 4': (lambda u,v,t,b: grouped(u, v, t, b, groups=groups_of(len(u), u.device)), False)}
    if torch.cuda.is_available() and util.find_spec('siglip_kernel'):
        from siglip_kernel import fused_siglip_loss
        fs['siglip-kernel'] = (lambda u,v,t,b: fused_siglip_loss(F.normalize(u, dim=1), F.normalize(v, dim=1), t.log(), b), False)
    return fs

def inputs(n, d, dtype, device):
    torch.manual_seed(SEED)
    return [torch.randn(n, d, device=device).to(dtype).requires_grad_() for _ in range(2)] + [torch.tensor(o, device=device, requires_grad=True) for o in (SCALE,BIAS)]

def check(device, n=512, d=64):
    "Loss and gradients against the definition in double precision"
    for dtype in DTYPES:
        args = inputs(n, d, dtype, device)
        exact = [o.detach().double().requires_grad_() for o in args]
        for name,kw in (('SCL',dict()),('gamma=1',dict(gamma=1.)),('threshold=.05',dict(threshold=.05)),('groups of 4',dict(groups=groups_of(n, device)))):
            opt,ids = {k:o for k,o in kw.items() if k!='groups'},{k:o for k,o in kw.items() if k=='groups'}
            got,want = SigmoidLoss(bf16=dtype==torch.bfloat16, **opt)(*args, **ids),sigmoid_loss(*exact, **kw)
            pairs = zip([got,*torch.autograd.grad(got, args)], [want,*torch.autograd.grad(want, exact)])
            far = max(((a.double()-c).norm()/(c.norm() if c.ndim else max(c.abs(), want.detach()))).item() for a,c in pairs) # gradients of scale and bias may cancel
            print(f'{dtype} {name}: relative difference {far:.1e}, path {loss_path(n, n, device=device, dtype=torch.float32)}')
            assert far<(.05 if dtype==torch.bfloat16 else 1e-4), name

def clock(f, args, repeats):
    "Milliseconds and peak MB beside the inputs"
    torch.cuda.reset_peak_memory_stats()
    before,times = torch.cuda.memory_allocated(),[]
    for _ in range(repeats+2):
        begin,end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record(); grads = torch.autograd.grad(f(*args), args); end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
        del grads
    return median(times[2:]),(torch.cuda.max_memory_allocated()-before)/2**20

def main():
    p = argparse.ArgumentParser()
    p.add_argument('--check', action='store_true')
    p.add_argument('--sizes', type=int, nargs='+', default=SIZES)
    p.add_argument('--dims', type=int, nargs='+', default=DIMS)
    a = p.parse_args()
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    check(device)
    if a.check: return
    if device=='cpu': raise SystemExit('nothing to time: no CUDA device')
    rows = []
    for dtype in DTYPES:
        for n in a.sizes:
            for d in a.dims:
                args = inputs(n, d, dtype, device)
                for name,(f,matrix) in forms(dtype==torch.bfloat16).items():
                    if matrix and n*n*dtype.itemsize>MATRIX: continue
                    try: ms,mb = clock(f, args, 9 if n<1e5 else 3)
                    except torch.OutOfMemoryError: torch.cuda.empty_cache(); continue
                    rows.append(dict(name=name, n=n, d=d, dtype=str(dtype)[6:], ms=round(ms, 3), extra_mb=round(mb, 1), device=torch.cuda.get_device_name(), torch=torch.__version__))
                    print(rows[-1], flush=True)
    with (RESULTS/'loss_gpu.csv').open('w', newline='') as o:
        w = csv.DictWriter(o, fieldnames=rows[0]); w.writeheader(); w.writerows(rows)

if __name__=='__main__': main()
