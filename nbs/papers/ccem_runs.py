"""The long runs behind `papers/ccem.ipynb` and `theory/`: python ccem_runs.py PART ... writes results/ccem_PART.csv.

Each part takes at most a few minutes on one core, and none needs another. `python ccem_runs.py` lists them."""
import csv, math, platform, sys, time
from pathlib import Path
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sigmoid_cl.embeddings import pair_geometry
from sigmoid_cl.certificate import ccem_optimum
from sigmoid_cl.synthetic import embedding_start, optimize_embeddings, optimize_trainable, train_encoders

RESULTS = Path(__file__).resolve().parents[2]/'results'
VERSIONS = f'python {platform.python_version()} torch {torch.__version__.split("+")[0]} numpy {np.__version__}'

def number(x): return f'{x:.6g}' if isinstance(x, (float,np.floating)) else x

def write(part, rows):
    "Rows (dicts with the same keys) to results/ccem_PART.csv, versions last"
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS/f'ccem_{part}.csv'
    with open(path, 'w', newline='') as f:
        w = csv.DictWriter(f, [*rows[0],'versions'], lineterminator='\n')
        w.writeheader()
        for r in rows: w.writerow({k: number(v) for k,v in r.items()} | dict(versions=VERSIONS))
    print(f'{path.name}: {len(rows)} rows', flush=True)

def loss_value(u, v, t, b, loss):
    "Loss of each cell in float64; t and b broadcast to the batch shape"
    cos = u.double()@v.double().mT
    t,b = (torch.as_tensor(np.broadcast_to(x, cos.shape[:-2]).copy(), dtype=torch.float64)[...,None,None] for x in (t,b))
    diag = lambda x: x.diagonal(dim1=-2, dim2=-1)
    if loss=='info_nce': return -(diag((t*cos).log_softmax(-1)) + diag((t*cos).log_softmax(-2))).mean(-1)/2
    z = t*cos + b
    diag(z).neg_()
    return F.softplus(z).sum((-2,-1))/cos.shape[-1]

def curve():
    "Free embeddings in the paper's setting: 30 pairs, 20 temperatures, d = n and below, both losses"
    n,t,seed = 30,np.linspace(.25, 5, 20),np.arange(3)[:,None]
    rows = []
    for loss,d in (('sigmoid',30),('info_nce',30),('sigmoid',29),('sigmoid',20),('sigmoid',15),('sigmoid',10),('sigmoid',5),('sigmoid',2)):
        u,v = optimize_embeddings(n, d, t, loss=loss, seed=seed)
        geo,L = pair_geometry(u, v),loss_value(u, v, t, -t, loss)
        best = ccem_optimum(n, t)
        for s in range(len(seed)):
            for i,x in enumerate(t): rows.append(dict(n=n, d=d, loss=loss, t=x, b=-x, seed=s, steps=50_000, lr=.5, value=L[s,i].item(),
                s_pos=geo.s_pos[s,i].item(), s_neg=geo.s_neg[s,i].item(), std_pos=geo.std_pos[s,i].item(), std_neg=geo.std_neg[s,i].item(),
                s_pos_theory=best.s_pos[i] if loss=='sigmoid' else 1., value_theory=best.loss[i] if loss=='sigmoid' else math.log1p((n-1)*math.exp(-x*n/(n-1)))))
        print(loss, d, flush=True)
    write('curve', rows)

def grid(kind):
    "47 x 10 cells (n = 4..50, t = 0.1..5), both losses: free embeddings, or encoders with a ReLU or a linear output"
    t,seeds,rows = np.linspace(.1, 5, 10),3,[]
    start = time.perf_counter()
    for steps in ((20_000,) if kind=='free' else (100, 3000)):
        for loss in ('sigmoid','info_nce'):
            for n in range(4, 51):
                if kind=='free': u,v = optimize_embeddings(n, n, t, loss=loss, steps=steps)
                else: u,v = train_encoders(n, t, loss=loss, output=kind, steps=steps, seed=np.arange(seeds)[:,None])
                geo = pair_geometry(u, v)
                lead = lambda x: x.reshape(-1, len(t))
                dead = lead((u.norm(dim=-1)<.5).double().mean(-1) + (v.norm(dim=-1)<.5).double().mean(-1))/2
                L = lead(loss_value(u, v, t, -t, loss))
                for i,x in enumerate(t): rows.append(dict(kind=kind, loss=loss, n=n, d=n, t=x, steps=steps, lr=.5, seeds=1 if kind=='free' else seeds,
                    s_pos=lead(geo.s_pos)[:,i].mean().item(), s_pos_std=lead(geo.s_pos)[:,i].std(correction=0).item(), s_neg=lead(geo.s_neg)[:,i].mean().item(),
                    dead=dead[:,i].mean().item(), value=L[:,i].mean().item()))
            print(kind, loss, steps, f'{time.perf_counter()-start:.0f} s', flush=True)
    write(f'grid_{kind}', rows)

def grid_free(): "Heat map of free embeddings"; grid('free')
def grid_relu(): "Heat map of encoders as published"; grid('relu')
def grid_linear(): "Heat map of encoders with a linear output"; grid('linear')

# ---- speed ----------------------------------------------------------------------------------------------------------------

class Encoder(nn.Module):
    "Two fully connected layers, ReLU after each"
    def __init__(self, d):
        super().__init__()
        self.fc1,self.fc2 = nn.Linear(2*d, d),nn.Linear(d, d)
    def forward(self, x): return F.relu(self.fc2(F.relu(self.fc1(x))))

def encoder_loop(n, t, steps):
    "One autograd run of one encoder, as lean as modules and an optimiser allow"
    xu,xv,model = torch.randn(n, 2*n),torch.randn(n, 2*n),Encoder(n)
    opt,signs = torch.optim.SGD(model.parameters(), lr=.5),1-2*torch.eye(n)
    def run():
        for _ in range(steps):
            opt.zero_grad()
            u,v = F.normalize(model(xu), dim=1),F.normalize(model(xv), dim=1)
            (F.softplus(signs*(t*(u@v.T)-t)).sum()/n).backward()
            opt.step()
    return run

def embedding_autograd(n, t, steps):
    "The batched optimiser with autograd in place of the formula"
    x = embedding_start(n, n, np.zeros(len(t), dtype=int))
    t,signs = torch.as_tensor(t, dtype=torch.float32)[:,None,None],1-2*torch.eye(n)
    def run():
        y = x
        for _ in range(steps):
            y = y.detach().requires_grad_()
            L = F.softplus(signs*(t*(y[0]@y[1].mT)-t)).sum()/n
            g, = torch.autograd.grad(L, y)
            with torch.no_grad(): y = F.normalize(y-.5*g, dim=-1)
    return run

def encoder_vmap(n, t, steps):
    "The batched encoders with torch.func: vmap of grad over the cells"
    from torch.func import grad, vmap
    x,ts,signs = torch.randn(2, n, 2*n),torch.as_tensor(t, dtype=torch.float32),1-2*torch.eye(n)
    models = [Encoder(n) for _ in t]
    params = {k: torch.stack([dict(m.named_parameters())[k].detach() for m in models]) for k in dict(models[0].named_parameters())}
    def loss(p, s):
        net = lambda o: F.normalize(F.relu(F.linear(F.relu(F.linear(o, p['fc1.weight'], p['fc1.bias'])), p['fc2.weight'], p['fc2.bias'])), dim=1)
        return F.softplus(signs*(s*(net(x[0])@net(x[1]).T)-s)).sum()/n
    step = vmap(grad(loss))
    def run():
        p = params
        for _ in range(steps):
            g = step(p, ts)
            p = {k: v-.5*g[k] for k,v in p.items()}
    return run

def clock(run):
    "Wall and processor seconds of one call"
    w,c = time.perf_counter(),time.process_time()
    run()
    return time.perf_counter()-w,time.process_time()-c

def speed():
    "Microseconds per step and cell on one thread, interleaved, medians of 9"
    rows,t20 = [],np.linspace(.1, 5, 20)
    for n in (4, 10, 20, 30, 40, 50):
        k = max(100, 1200//n)
        tasks = {name: (make(steps),cells,steps) for name,make,cells,steps in (
            ('encoder loop', lambda s: encoder_loop(n, 2., s), 1, 60),
            ('encoders vmap', lambda s: encoder_vmap(n, t20, s), 20, k//6),
            ('encoders batched', lambda s: (lambda: train_encoders(n, t20, steps=s)), 20, k),
            ('embeddings autograd', lambda s: embedding_autograd(n, t20, s), 20, k//2),
            ('embeddings batched', lambda s: (lambda: optimize_embeddings(n, n, t20, steps=s)), 20, 2*k))}
        took = {name: [] for name in tasks}
        for rep in range(10):
            for name,(run,cells,steps) in tasks.items():
                both = clock(run)
                if rep: took[name].append([1e6*x/cells/steps for x in both])
        med = {name: np.median(v, 0) for name,v in took.items()}
        for name,(wall,cpu) in med.items():
            base = med['encoder loop']
            rows.append(dict(n=n, d=n, program=name, cells=tasks[name][1], threads=1, repeats=9, us_wall=wall, us_cpu=cpu, loop_over_this_wall=base[0]/wall, loop_over_this_cpu=base[1]/cpu))
            print(n, name, *(f'{x:.1f}' for x in (wall, cpu, base[0]/wall, base[1]/cpu)), flush=True)
    write('speed', rows)

def grid_time():
    "The whole 47 x 10 grid for both losses, 100 steps as published, against the loop at every fifth n, on one thread"
    t,ns = np.linspace(.1, 5, 10),np.arange(4, 51)
    def batched():
        for loss in ('sigmoid','info_nce'):
            for n in ns: train_encoders(int(n), t, loss=loss, steps=100)
    some,loop = ns[::5],[]
    for n in some:
        run = encoder_loop(int(n), 2., 100)
        run()
        loop.append(np.median([clock(run) for _ in range(3)], 0))
    wall,cpu = np.median([clock(batched) for _ in range(3)], 0)
    total = [2*len(t)*np.interp(ns, some, x).sum() for x in np.array(loop).T]
    write('grid_time', [dict(cells=2*len(t)*len(ns), steps=100, threads=1, seconds_batched=wall, seconds_batched_cpu=cpu, seconds_loop=total[0], seconds_loop_cpu=total[1],
                             loop_measured_at=' '.join(map(str, some)), ratio=total[0]/wall)])

# ---- theory/30 and theory/50 ------------------------------------------------------------------------------------------------

def lowdim():
    "Free embeddings with d from 2 to n = 30, eight seeds each: the best, the median and the worst minimum found"
    n,t,seed,rows,hist = 30,np.array([1., 1.5, 2., 2.5, 3., 4., 5., 8.]),np.arange(8)[:,None],[],[]
    best,bins = ccem_optimum(n, t),np.linspace(-1, 1, 81)
    for d in (2, 3, 4, 5, 6, 8, 10, 12, 14, 15, 16, 18, 20, 22, 24, 26, 28, 29, 30):
        u,v = optimize_embeddings(n, d, t, seed=seed, steps=20_000)
        geo,L = pair_geometry(u, v),loss_value(u, v, t, -t, 'sigmoid').numpy()
        for i,x in enumerate(t):
            k = int(L[:,i].argmin())
            rows.append(dict(n=n, d=d, t=x, b=-x, steps=20_000, lr=.5, seeds=len(seed), value=L[k,i], value_median=np.median(L[:,i]), value_worst=L[:,i].max(), value_bound=best.loss[i],
                             s_pos=geo.s_pos[k,i].item(), std_pos=geo.std_pos[k,i].item(), s_neg=geo.s_neg[k,i].item(), std_neg=geo.std_neg[k,i].item(),
                             margin=geo.margin[k,i].item(), s_pos_bound=best.s_pos[i], s_neg_bound=best.s_neg[i]))
            cos = (u[k,i]@v[k,i].T).numpy()
            neg = np.histogram(np.clip(cos[~np.eye(n, dtype=bool)], -1, 1), bins)[0]
            hist += [dict(n=n, d=d, t=x, left=bins[j], count=int(neg[j])) for j in range(80) if neg[j]]
        print(d, flush=True)
    write('lowdim', rows)
    write('lowdim_hist', hist)

def trainable():
    "Scale and bias learned with the embeddings, absolute against relative, from 20 starts"
    n,rows = 30,[]
    t0,r0 = (x.ravel() for x in np.meshgrid([1., 2., 5., 10., 20.], [0., .5, 1., 2.]))
    logs = sorted({0, *np.unique(np.geomspace(1, 20_000, 40).astype(int)).tolist()})
    for d in (30, 8):
        for relative in (False, True):
            tr = optimize_trainable(n, d, t0, -r0*t0, relative=relative, log_steps=logs)
            for k,step in enumerate(logs):
                for i in range(len(t0)): rows.append(dict(n=n, d=d, parameter='relative' if relative else 'absolute', t0=t0[i], b0=-r0[i]*t0[i], step=step, lr=.5, lr_logit=.05, seed=0,
                    t=tr.logit_scale[k,i], b=tr.logit_bias[k,i], value=tr.loss[k,i], s_pos=tr.s_pos[k,i], s_neg=tr.s_neg[k,i], margin=tr.margin[k,i]))
            print(d, relative, flush=True)
    write('trainable', rows)

PARTS = {f.__name__: f for f in (curve, grid_free, grid_relu, grid_linear, lowdim, trainable, speed, grid_time)}

if __name__=='__main__':
    torch.set_num_threads(1)
    if not sys.argv[1:]: print(*(f'{k:12} {f.__doc__}' for k,f in PARTS.items()), sep='\n')
    for part in sys.argv[1:]: PARTS[part]()
