"""Time and peak memory of the sigmoid losses, forward and backward, against n and d. Writes results/loss_time.csv, loss_views.csv, loss_memory.csv,
import_time.csv and operation_time.csv.

python nbs/benchmarks/loss.py time 64 256 1024 4096    # d, then batch sizes: formulations interleaved, medians; rows of the same (d, n) are replaced
python nbs/benchmarks/loss.py time 64 4096 'fused, filter' 'one product'      # only these
python nbs/benchmarks/loss.py views 64 128 256         # a training step's loss: six online views against two target views without gradient
python nbs/benchmarks/loss.py memory 64 1024 4096      # each measurement in its own process
python nbs/benchmarks/loss.py imports
python nbs/benchmarks/loss.py operations             # exponentials and logarithms, one thread
"""
import csv, json, math, os, resource, subprocess, sys, time
from pathlib import Path
import torch, torch.nn.functional as F
from sigmoid_cl.fused import fused_sigmoid_loss
from views import cpu_name

RESULTS,SEED,SCALE = Path(__file__).resolve().parents[2]/'results',0,10.
MAX_PAIR_BYTES = 2.5e9 # formulations that would keep more than this in n x n matrices are skipped
SHARE = 1.88         # a standard normal exceeds this with probability 3 %: that part of the negatives passes the filter

def textbook(u, v, t, b, gamma=0., threshold=None):
    "The equation as one would type it"
    z = t*F.normalize(u, dim=1)@F.normalize(v, dim=1).T + b
    m = (2*torch.eye(len(u))-1)*z
    loss = F.softplus(-m)
    if gamma: loss = loss*torch.sigmoid(-m)**gamma
    if threshold is not None: loss = loss*((torch.sigmoid(-m)>threshold)|torch.eye(len(u), dtype=torch.bool))
    return loss.sum()/len(u)

def poster(u, v, t, b, gamma=0.):
    "Eq. 1-4 of the MSCL poster, symbol by symbol"
    z = F.normalize(u, dim=1)@F.normalize(v, dim=1).T*t + b
    right = torch.sigmoid((2*torch.eye(len(u))-1)*z)
    return -((1-right)**gamma*torch.log(right)).sum()/len(u)

def clip_plain(u, v, t, b):
    "The way of open_clip: log-sigmoid of labels times logits"
    z = t*F.normalize(u, dim=1)@F.normalize(v, dim=1).T + b
    y = -torch.ones_like(z)
    y = 2*torch.eye(len(u)) + y
    return -F.logsigmoid(y*z).sum()/len(u)

def clip_chunked(u, v, t, b, chunk=1024):
    "The same a block of columns at a time; autograd still keeps a matrix of each block"
    u,v,total = F.normalize(u, dim=1),F.normalize(v, dim=1),0.
    for c in range(0, len(v), chunk):
        z = t*u@v[c:c+chunk].T + b
        own = torch.arange(c, min(c+chunk, len(v)))
        total = total - F.logsigmoid(-z).sum() + (F.logsigmoid(-z[own,own-c])-F.logsigmoid(z[own,own-c])).sum()
    return total/len(u)

def three_products(u, v, block=2048):
    "The matrix products without which no dense gradient is had, in blocks of rows"
    z = torch.empty(min(block, len(u)), len(v))
    du,dv = torch.empty_like(u),torch.zeros_like(v)
    for r in range(0, len(u), block):
        a = u[r:r+block]
        torch.mm(torch.mm(a, v.T, out=z[:len(a)]), v, out=du[r:r+block])
        dv.addmm_(z[:len(a)].T, a)

def one_product(u, v, block=2048):
    "The logits alone, in blocks of rows"
    z = torch.empty(min(block, len(u)), len(v))
    for r in range(0, len(u), block): torch.mm(u[r:r+block], v.T, out=z[:len(u[r:r+block])])

# name -> (function, keyword arguments, n x n floats alive at the peak)
WAYS = {
    'textbook, gamma 0':  (textbook, dict(), 4), 'textbook, gamma 1': (textbook, dict(gamma=1.), 7), 'textbook, filter': (textbook, dict(threshold=.5), 6),
    'poster, gamma 1':    (poster, dict(gamma=1.), 7),
    'open_clip plain':    (clip_plain, dict(), 4), 'open_clip chunked': (clip_chunked, dict(), 2),
    'fused, gamma 0':     (fused_sigmoid_loss, dict(), 0), 'fused, gamma 1': (fused_sigmoid_loss, dict(gamma=1.), 0), 'fused, filter': (fused_sigmoid_loss, dict(threshold=.5), 0),
    'fused, gamma 0, bf16': (fused_sigmoid_loss, dict(bf16=True), 0),
    'three products':     (three_products, None, 0), 'one product': (one_product, None, 0)}

def runner(name, n, d):
    "A function that does one forward and backward pass"
    f,kw,_ = WAYS[name]
    torch.manual_seed(SEED)
    u,v = (F.normalize(torch.randn(n, d), dim=1) for _ in range(2))
    if kw is None: return lambda: f(u, v)
    bias = -SCALE*SHARE/math.sqrt(d) if 'filter' in name else -SCALE
    args = [u.requires_grad_(), v.requires_grad_(), torch.tensor(SCALE, requires_grad=True), torch.tensor(bias, requires_grad=True)]
    return lambda: torch.autograd.grad(f(*args, **kw), args)

def views_runner(name, n, d):
    "The same for the ten pairs of different views of a training step; the target has no gradient"
    f,kw,_ = WAYS[name]
    torch.manual_seed(SEED)
    u,v = (F.normalize(torch.randn(k, n, d), dim=2) for k in (6,2))
    args = [u.requires_grad_(), torch.tensor(SCALE, requires_grad=True), torch.tensor(-SCALE*SHARE/math.sqrt(d) if 'filter' in name else -SCALE, requires_grad=True)]
    def each(u, t, b): return torch.stack([f(u[i], v[j], t, b, **kw) for j in range(2) for i in range(6) if i!=j]).mean()
    step = (lambda u, t, b: f(u, v, t, b, **kw)) if f is fused_sigmoid_loss else each
    return lambda: torch.autograd.grad(step(*args), args)

def ways(n): return [o for o,(_,_,k) in WAYS.items() if 4*k*n*n<=MAX_PAIR_BYTES]

def processor():
    "Its name, and which instructions for bfloat16 it has"
    can = torch.cpu.get_capabilities()
    return ' '.join([cpu_name(), *(o for o in ('avx512_bf16','amx_bf16') if can.get(o))])

def save(name, rows, keys):
    "Merge rows into a CSV; a row with the same keys is replaced"
    path,common = RESULTS/name,dict(threads=torch.get_num_threads(), processor=processor(), torch=torch.__version__, seed=SEED)
    old = list(csv.DictReader(path.open())) if path.exists() else []
    rows = [{**{k:str(x) for k,x in r.items()}, **{k:str(x) for k,x in common.items()}} for r in rows]
    new = {tuple(r[k] for k in keys) for r in rows}
    rows = [r for r in old if tuple(r[k] for k in keys) not in new] + rows
    rows.sort(key=lambda r: (int(r['d']), int(r['n']), list(WAYS).index(r['way'])))
    with path.open('w', newline='') as o:
        w = csv.DictWriter(o, fieldnames=list(max(rows, key=len)), restval=''); w.writeheader(); w.writerows(rows)

def timing(name, runner, d, sizes, names, budget=8.):
    for n in sizes:
        runs = {o:runner(o, n, d) for o in names or ways(n)}
        first = {}
        for o,f in runs.items():
            s = time.perf_counter(); f(); first[o] = time.perf_counter()-s
        reps = min(25, max(3 if sum(first.values())<30 else 0, int(budget/sum(first.values())))) # at least three where a round is short enough
        times = {o:[] if reps else [t] for o,t in first.items()} # the first run counts only where there is no time for another
        for _ in range(reps):
            for o,f in runs.items():
                s = time.perf_counter(); f(); times[o].append(time.perf_counter()-s)
        rows = [dict(way=o, n=n, d=d, seconds=f'{sorted(t)[len(t)//2]:.6f}', fastest=f'{min(t):.6f}', repeats=max(reps, 1)) for o,t in times.items()]
        save(name, rows, ('way','n','d'))
        for r in rows: print(f"n {n:6} d {d:4} {r['way']:22} {1e3*float(r['seconds']):10.2f} ms", flush=True)

def rss(): return int(open('/proc/self/statm').read().split()[1])*resource.getpagesize()

def memory(d, sizes, names=None):
    for n in sizes:
        rows = []
        for o in names or ways(n):
            if WAYS[o][1] is None: continue
            out = subprocess.run([sys.executable, __file__, 'peak', str(d), str(n), o], capture_output=True, text=True, check=True).stdout
            rows.append(dict(way=o, n=n, d=d, mib=f'{json.loads(out):.1f}'))
            print(f"n {n:6} d {d:4} {o:22} {float(rows[-1]['mib']):10.1f} MiB", flush=True)
        save('loss_memory.csv', rows, ('way','n','d'))

def peak(d, n, name):
    "Peak resident memory above what is there before the loss, inputs made and every operation used once"
    runner(name, 300, d)()
    f = runner(name, n, d)
    with open('/proc/self/clear_refs', 'w') as o: o.write('5') # the peak starts again from here
    before = rss(); f()
    high = next(int(o.split()[1]) for o in open('/proc/self/status') if o.startswith('VmHWM'))*1024
    print(json.dumps((high-before)/2**20))

def write(name, key, times):
    "A table of medians"
    with (RESULTS/name).open('w', newline='') as f:
        w = csv.writer(f)
        w.writerow([key,'seconds','fastest','repeats','threads','processor','torch'])
        for o,t in times.items(): w.writerow([o, f'{sorted(t)[len(t)//2]:.4g}', f'{min(t):.4g}', len(t), torch.get_num_threads(), processor(), torch.__version__])

def importing(reps=15):
    "Seconds from the start of Python to its end"
    times = {o:[] for o in ('torch','sigmoid_cl.losses, sigmoid_cl.fused, sigmoid_cl.optimum')}
    for k in range(reps+1):
        for o,t in times.items():
            s = time.perf_counter()
            subprocess.run([sys.executable, '-c', f'import {o}'], check=True)
            if k: t.append(time.perf_counter()-s)
    write('import_time.csv', 'imports', times)

def operations(reps=50, n=512):
    "Seconds per number of functions of a tile of negative logits or their exponentials"
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    z = -SCALE + SCALE*torch.randn(n, n)/8
    e,out = z.exp(),torch.empty(n, n)
    ops = {'exp': lambda: torch.exp(z, out=out), 'exp2': lambda: torch.exp2(z, out=out), 'log': lambda: torch.log(e, out=out), 'log1p': lambda: torch.log1p(e, out=out),
           'softplus': lambda: F.softplus(z), 'add': lambda: torch.add(e, z, out=out)}
    times = {o:[] for o in ops}
    for k in range(reps+5):
        for o,f in ops.items():
            s = time.perf_counter(); f()
            if k>=5: times[o].append((time.perf_counter()-s)/n**2)
    write('operation_time.csv', 'operation', times)

if __name__=='__main__':
    part,d,*rest = sys.argv[1:] if len(sys.argv)>2 else (*sys.argv[1:], '0')
    d,sizes,names = int(d),[int(o) for o in rest if o not in WAYS],[o for o in rest if o in WAYS]
    if part=='peak': peak(d, sizes[0], names[0])
    elif part=='time': timing('loss_time.csv', runner, d, sizes, names)
    elif part=='views': timing('loss_views.csv', views_runner, d, sizes, names or [o for o in WAYS if WAYS[o][1] is not None and 'chunked' not in o])
    elif part=='memory': memory(d, sizes, names)
    elif part=='imports': importing()
    elif part=='operations': operations()
    else: raise SystemExit(f"part must be time, views, memory, imports or operations, got {part!r}")
