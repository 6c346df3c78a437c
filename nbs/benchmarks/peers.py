"""Time and memory of sigmoid losses, forward and backward: open_clip's, siglip-kernel's reference in PyTorch, and this package's. Writes results/peers.csv.

python nbs/benchmarks/peers.py      # about two minutes on two cores; formulations interleaved, medians; memory each in a process of its own
"""
import csv, os, subprocess, sys, threading, time
from importlib import util
from importlib.metadata import version
from pathlib import Path
from statistics import median
import torch, torch.nn.functional as F

RESULTS,SIZES,SEED = Path(__file__).resolve().parents[2]/'results',((256,128),(1024,512),(4096,512)),0

def of_open_clip():
    from open_clip.loss import SigLipLoss
    return SigLipLoss()

def of_siglip_kernel():
    "The package asks for a GPU when it is imported; its reference does not"
    spec = util.spec_from_file_location('siglip_reference', Path(util.find_spec('siglip_kernel').origin).parent/'reference.py')
    reference = util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    return reference.siglip_loss_reference

def ours(**kw):
    from sigmoid_cl.fused import SigmoidLoss
    return SigmoidLoss(**kw)

def normalised(f):
    "With the rows normalised, as a user of theirs must; ours does"
    return lambda u,v,t,b: f(F.normalize(u, dim=1), F.normalize(v, dim=1), t, b)

FORMS = {'open_clip SigLipLoss': lambda: normalised(of_open_clip()), 'siglip-kernel reference': lambda: normalised(of_siglip_kernel()),
         'sigmoid_cl SigmoidLoss': ours, 'sigmoid_cl gamma=1': lambda: ours(gamma=1.), 'sigmoid_cl threshold=.05': lambda: ours(threshold=.05)}

def step(f, n, d):
    "A function that computes loss and gradients"
    torch.manual_seed(SEED)
    args = [torch.randn(n, d).requires_grad_(), torch.randn(n, d).requires_grad_(), torch.tensor(10.).requires_grad_(), torch.tensor(-10.).requires_grad_()]
    return lambda: torch.autograd.grad(f(*args), args)

def rss(): return int(Path('/proc/self/statm').read_text().split()[1])*os.sysconf('SC_PAGE_SIZE')/2**20

def peak(name, n, d):
    "MB of resident memory a step adds at its peak"
    f = FORMS[name]()
    small,large = (step(f, *o) for o in ((64,d),(n,d)))
    small()
    before,top,going = rss(),[0.],[True]
    def watch():
        while going: top[0] = max(top[0], rss()); time.sleep(.001)
    thread = threading.Thread(target=watch); thread.start()
    large(); going.clear(); thread.join()
    return top[0]-before

def main():
    rows,fs = [],{k: f() for k,f in FORMS.items()}
    for n,d in SIZES:
        runs = {k: step(f, n, d) for k,f in fs.items()}
        times = {k: [] for k in runs}
        for f in runs.values(): f()
        for _ in range(31 if n<2000 else 5):
            for k,f in runs.items():
                s = time.perf_counter(); f(); times[k].append(time.perf_counter()-s)
        for k,o in times.items():
            mb = subprocess.run([sys.executable, __file__, k, str(n), str(d)], capture_output=True, text=True, check=True).stdout
            rows.append(dict(name=k, n=n, d=d, ms=round(median(o)*1e3, 3), fastest_ms=round(min(o)*1e3, 3), extra_mb=round(float(mb), 1)))
            print(rows[-1], flush=True)
    common = dict(threads=torch.get_num_threads(), torch=torch.__version__, open_clip=version('open_clip_torch'), siglip_kernel=version('siglip-kernel'), seed=SEED)
    with (RESULTS/'peers.csv').open('w', newline='') as o:
        w = csv.DictWriter(o, fieldnames=[*rows[0], *common]); w.writeheader(); w.writerows({**r, **common} for r in rows)

if __name__=='__main__': print(peak(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))) if len(sys.argv)>1 else main()
