"""One of several processes that share a batch: `python ring_worker.py RANK WORLD FOLDER`, started by the notebook on the ring.

Writes `FOLDER/RANK.json`: how far results are from one process, and what was said when a process hung or died."""
import json, os, sys, time
from datetime import timedelta
import torch, torch.distributed as dist
from torch import nn
from sigmoid_cl import distributed
from sigmoid_cl.distributed import RingSigmoidLoss, ring_sigmoid_loss
from sigmoid_cl.losses import sigmoid_loss, view_pairs

rank,world,folder = int(sys.argv[1]),int(sys.argv[2]),sys.argv[3]
LOSSES = (dict(), dict(gamma=1.), dict(gamma=.3), dict(threshold=.05), dict(gamma=1., detach_penalty=True))
GROUPS = (dict(positives='sum'), dict(positives='mean', gamma=1.), dict(same='ignore'), dict(threshold=.05))

def share(sizes): return slice(sum(sizes[:rank]), sum(sizes[:rank+1]))

def joint_loss(u, v, t, b, **kw):
    "The definition on the joint batch, mean over pairs of views"
    return torch.stack([sigmoid_loss(u[i], v[j], t, b, **kw) for i,j in view_pairs(len(u), len(v))]).mean()

def error(sizes, group, views, needs, target_sizes=None, ids=None, **kw):
    "Largest difference from one process: loss, gradients of the own rows, mean gradients of scale and bias"
    torch.manual_seed(0)
    W,(V,G),more = len(sizes),views,target_sizes or sizes
    args = torch.randn(V, sum(sizes), 4, dtype=torch.float64),torch.randn(G, sum(more), 4, dtype=torch.float64),torch.tensor(8.).double(),torch.tensor(-3.).double()
    joint = [o.clone().requires_grad_(k) for o,k in zip(args, needs)]
    want = joint_loss(*joint, **kw, **({} if ids is None else dict(groups=ids[0], target_groups=ids[1])))
    want.backward()
    mine = share(sizes),share(more)
    own = [(o[:,m] if o.ndim else o).clone().requires_grad_(k) for o,m,k in zip(args, (*mine,None,None), needs)]
    if ids is not None: kw.update(groups=ids[0][mine[0]], target_groups=ids[1][mine[1]])
    x = own if V>1 else [own[0][0], own[1][0], *own[2:]]
    got = ring_sigmoid_loss(*x, group=group, timeout=60, chunk_size=3, **kw)
    got.backward()
    mean = lambda x: (dist.all_reduce(x, group=group), x/W)[1]
    diffs = [mean(got.detach().clone())-want]
    for o,j,m in zip(own, joint, (*mine,None,None)):
        assert (o.grad is None)==(j.grad is None)
        if j.grad is not None: diffs.append(o.grad/W-j.grad[:,m] if j.grad.ndim else mean(o.grad.clone())-j.grad)
    return max(o.detach().abs().max().item() for o in diffs)

def equal_to_one(group, W):
    "Largest difference over losses, views, shares and groups"
    worst = 0.
    for sizes in ([5]*W, [2+3*k for k in range(W)]):
        for kw in LOSSES:
            for views,needs in (((1,1),(True,)*4), ((1,1),(True,False,True,True)), ((3,2),(True,)*4)):
                worst = max(worst, error(sizes, group, views, needs, **kw))
        g = torch.Generator().manual_seed(1)
        more = [3+2*k for k in range(W)]
        ids,others = (torch.randint(0, 4, (sum(o),), generator=g) for o in (sizes,more))
        for kw in GROUPS:
            worst = max(worst, error(sizes, group, (3,2), (True,)*4, ids=(ids,ids), **kw))
            if 'same' not in kw: worst = max(worst, error(sizes, group, (1,1), (True,)*4, more, (ids,others), **kw))
    return worst

def distributed_data_parallel():
    "Distance of parameter gradients from those of the joint batch"
    torch.manual_seed(1)
    net,x = nn.Linear(6, 4).double(),torch.randn(4*world, 2, 6).double()
    want = torch.autograd.grad(sigmoid_loss(net(x[:,0]), net(x[:,1]), 8., -3., gamma=1.), net.weight)[0]
    ddp = nn.parallel.DistributedDataParallel(net) # kept: its hooks go with it
    y = ddp(x[4*rank:4*rank+4])
    RingSigmoidLoss(gamma=1.)(y[:,0], y[:,1], 8., -3.).backward()
    return (net.weight.grad-want).abs().max().item()

def refused():
    "What is said when one process has other widths"
    try: ring_sigmoid_loss(*torch.randn(2, 4, 3 if rank==1 else 4), 8., -3.)
    except ValueError as e: return str(e)

def leave_in_the_middle():
    "Dies when the second block of target rows is to be sent"
    start,calls = distributed._Ring.start,[]
    def leaving(self, *args):
        calls.append(1)
        if len(calls)==2: os._exit(7)
        return start(self, *args)
    distributed._Ring.start = leaving

def alone(timeout, group):
    "What is said, and after how many seconds, when the others do not come"
    begin = time.time()
    try: ring_sigmoid_loss(*torch.randn(2, 4, 4), 8., -3., timeout=timeout, group=group)
    except RuntimeError as e: return [str(e), time.time()-begin]

torch.set_num_threads(1)
dist.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=world, timeout=timedelta(seconds=60))
out = {}
for W in range(1, world+1):
    group = dist.new_group(range(W))
    if rank<W: out[f'{W} processes'] = equal_to_one(group, W)
out['ddp'],out['refused'] = distributed_data_parallel(),refused()
groups = [dist.new_group(range(world)) for _ in range(2)] # a group is of no use after a failure
dist.barrier()
if rank==world-1: # lives, but comes to the next exchange too late; then it leaves in the middle of one
    time.sleep(4)
    leave_in_the_middle()
out['hangs'] = alone(2, groups[0])
out['died'] = alone(20, groups[1])
json.dump(out, open(f'{folder}/{rank}.json', 'w'))
os._exit(0)
