"""A whole training step, timed and weighed.

    python nbs/benchmarks/train_step.py                         # speed: writes results/train_step.csv, about two minutes
    python nbs/benchmarks/train_step.py memory 512 2048 8192    # memory and the instruments' share, by batch size: writes results/step_memory.csv

Speed: seconds per image (views, target, forward, loss, backward, optimiser) of the learner against a plain loop, in interleaved rounds. The plain loop is what a first version of such a program looks like:
every view of every image made by per-image transforms on PIL images, one forward pass for each view in the online and in the target network, and the textbook loss for each pair of views. Network,
optimiser, batch and number of threads are the same. Both ways take one step in turn.

Memory: the largest resident memory of a process that trains the learner as it is, and of one whose loss is a mean of the embeddings and whose instruments are gone: what the networks and views take alone. Since
memory that views took and gave back is taken again by the loss, it is also measured how much loss and instruments take while they are at work (Linux only). Instruments: the
time inside the callbacks that only measure, over that of whole steps. Networks as small as `perceptron` make both look large on purpose. Epochs of eight steps, since the margin of a large batch is measured at one of eight.
"""
import argparse, copy, csv, json, os, platform, resource, subprocess, sys, time
from collections import Counter
from pathlib import Path

import numpy as np, torch, torchvision
from PIL import Image

from sigmoid_cl.callbacks import GeometryMonitor, PairStats, target_copy, ema_update
from sigmoid_cl.data import ImageData, MemoryImages, contrastive_dls
from sigmoid_cl.learner import contrastive_learner
from sigmoid_cl.losses import sigmoid_loss
from sigmoid_cl.networks import build_encoder, convnet, param_groups
from sigmoid_cl.runlog import StepLog, StepTimer
from sigmoid_cl.views import MultiCrop
from fastai.callback.core import Callback
from fastai.callback.training import ShortEpochCallback
from views import T1, cpu_name, per_image, photographs


def plain_step(model, images, size, amp):
    "A function that trains on one batch the plain way"
    pil = [Image.fromarray(o) for o in images.permute(0, 2, 3, 1).numpy()]
    make, target = per_image(T1, size, [T1.ToTensor()]), target_copy(model)
    groups = [dict(params=p, weight_decay=wd) for p, wd in zip(param_groups(model), (1e-4, 0., 0.))]
    opt = torch.optim.AdamW(groups, lr=1e-3)
    def step():
        views = [torch.stack(v) for v in zip(*map(make, pil))]
        with torch.autocast(images.device.type, torch.bfloat16, enabled=amp is not None):
            u = [model.projector(model.encoder(v)).float() for v in views]
            with torch.no_grad(): v = [target.projector(target.encoder(o)).float() for o in views[:2]]
        pairs = [(i, j) for i in range(6) for j in range(2) if i != j]
        loss = sum(sigmoid_loss(u[i], v[j], model.logit_scale, model.logit_bias, gamma=1.) for i, j in pairs)/len(pairs)
        opt.zero_grad()
        loss.backward()
        opt.step()
        ema_update(target, model, .99)
    return step


INSTRUMENTS = GeometryMonitor, PairStats, StepLog
NETWORKS = dict(perceptron=lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 64), torch.nn.BatchNorm1d(64), torch.nn.ReLU()), convnet8=lambda: convnet(width=8))


def mean_loss(u, v, t, b): return u.float().square().mean()+0*(t+b)


def small_learner(network, n, n_local, alone, steps):
    "A learner on random 8x8 images, n in a batch, in 64 dimensions; `alone` without the loss and the instruments"
    torch.manual_seed(0)
    ims = MemoryImages(torch.randint(256, (n*steps, 1, 8, 8), dtype=torch.uint8))
    views = MultiCrop(8, n_local=n_local, local_size=8, grey=0., saturation=0., hue=0., blur=None)
    dls = contrastive_dls(ImageData('noise', ims, ims, ims, [], 8), n, views=views, device='cpu')
    learn = contrastive_learner(dls, NETWORKS[network](), n_hidden=64, amp='none', **(dict(loss=mean_loss) if alone else dict(gamma=1., gamma_end=1.)))
    if alone: learn.remove_cbs([cb for cb in learn.cbs if isinstance(cb, INSTRUMENTS)])
    return learn


def weigh(network, n, n_local, alone, steps):
    "One process: the largest resident memory in MiB, seconds a step, and the seconds of it that are the instruments'"
    learn, spent, call = small_learner(network, n, n_local, alone, steps), Counter(), Callback.__call__
    def timed(cb, event):
        t = time.perf_counter()
        try: return call(cb, event)
        finally:
            if event not in ('before_fit', 'after_fit'): spent[type(cb)] += time.perf_counter()-t
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, cbs=ShortEpochCallback(0)) # one step
        Callback.__call__ = timed
        t = time.perf_counter()
        learn.fit(1)
        seconds = (time.perf_counter()-t)/steps
    mine = {o.__name__: round(spent[o]/steps, 6) for o in INSTRUMENTS}
    return dict(mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024, 1), seconds=round(seconds, 5), **mine)


class Peak(Callback):
    "Largest resident memory from the embeddings to the end of the loss and all that looks at it, above what there was before"
    order, mib = 1000, 0.
    def read(self): return {k: int(v.split()[0])/1024 for k, v in (o.split(':') for o in open('/proc/self/status')) if k in ('VmHWM', 'VmRSS')}
    def after_pred(self):
        open('/proc/self/clear_refs', 'w').write('5') # the largest begins anew
        self.before = self.read()['VmRSS']
    def after_loss(self): self.mib = max(self.mib, self.read()['VmHWM']-self.before)


def at_loss(network, n, n_local):
    "MiB that loss and instruments take while they are at work, from one step"
    learn, peak = small_learner(network, n, n_local, False, 1), Peak()
    with learn.no_bar(), learn.no_logging(): learn.fit(1, cbs=peak)
    return dict(at_loss=round(peak.mib, 1))


def child(what, *args, **env):
    "What a process of its own measures"
    res = subprocess.run([sys.executable, __file__, what, *map(str, args)], env=os.environ | env, capture_output=True, text=True, check=True)
    return json.loads(res.stdout.splitlines()[-1])


def memory(sizes, networks, local, steps, out):
    "Each measurement in its own process; rows of the same network, views and size are replaced"
    keys, rows = ('network', 'views', 'n', 'way'), []
    for network in networks:
        for n_local in local:
            for n in sizes:
                for alone in (True, False):
                    res = child('weigh', network, n, n_local, int(alone), '--steps', steps)
                    res |= dict(at_loss='') if alone else child('at_loss', network, n, n_local, MALLOC_MMAP_THRESHOLD_='65536') # what is freed goes back at once
                    rows.append(dict(network=network, views=f'2+{n_local}', n=n, d=64, way='networks alone' if alone else 'whole step', **res, steps=steps, threads=torch.get_num_threads(), load=round(os.getloadavg()[0], 2),
                                     cpu=cpu_name(), python=platform.python_version(), torch=torch.__version__))
                a, b = rows[-2:]
                old = list(csv.DictReader(out.open(newline=''))) if out.exists() else []
                new = {tuple(str(r[k]) for k in keys) for r in rows}
                save(sorted([r for r in old if tuple(r[k] for k in keys) not in new]+rows, key=lambda r: (r['network'], r['views'], int(r['n']), r['way'])), out)
                print(f"{network} 2+{n_local} n {n:6d}: {b['mib']-a['mib']:+6.0f} MiB, {b['at_loss']:.0f} while at work, {b['seconds']:.3f} s a step, instruments {sum(b[o.__name__] for o in INSTRUMENTS)/b['seconds']:.1%}", flush=True)


def save(rows, out):
    tmp = out.with_suffix('.tmp')
    with open(tmp, 'w', newline='') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader(); w.writerows(rows)
    tmp.replace(out)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('what', nargs='*', default=['speed'], help="'speed', or 'memory' and batch sizes")
    p.add_argument('--rounds', type=int, default=7)
    p.add_argument('--steps', type=int, default=8, help='of a measurement of memory and instruments')
    p.add_argument('--networks', nargs='+', default=list(NETWORKS))
    p.add_argument('--local', nargs='+', type=int, default=[0, 4], help='local views beside the two global ones')
    p.add_argument('--bs', type=int, default=128)
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--jobs', nargs='+', default=['convnet,8,none', 'convnet,8,bf16', 'resnet18_w32,32,none', 'resnet18_w32,32,bf16'], help='encoder,pixels,precision')
    p.add_argument('--out', type=Path, default=None, help='in place of the file in results/')
    a = p.parse_args()
    results = Path(__file__).resolve().parents[2]/'results'
    if a.what[0] == 'weigh': return print(json.dumps(weigh(a.what[1], *map(int, a.what[2:]), a.steps)))
    if a.what[0] == 'at_loss': return print(json.dumps(at_loss(a.what[1], *map(int, a.what[2:]))))
    if a.what[0] == 'memory': return memory([int(o) for o in a.what[1:]] or [512, 2048, 8192, 32768], a.networks, a.local, a.steps, a.out or results/'step_memory.csv')
    rows = []
    for job in a.jobs:
        name, size, amp = job.split(',')
        size, amp = int(size), None if amp == 'none' else amp
        torch.manual_seed(a.seed)
        x = photographs(a.bs, size, np.random.default_rng(a.seed))
        ims = MemoryImages(x)
        data = ImageData('photographs', ims, ims, ims, [], size)
        timer = StepTimer()
        learn = contrastive_learner(contrastive_dls(data, a.bs, views=MultiCrop(size), seed=a.seed), build_encoder(name, 3, size), amp=amp, cbs=timer)
        plain = plain_step(copy.deepcopy(learn.model), x, size, amp)
        def ours():
            with learn.no_bar(), learn.no_logging(): learn.fit(1)
        ours(), plain()
        mine = []
        for r in range(a.rounds):
            for way, f in (('learner', ours), ('plain loop', plain)):
                timer.seconds = dict.fromkeys(timer.phases, 0.)
                t = time.perf_counter()
                f()
                s = time.perf_counter()-t
                mine.append(dict(encoder=name, size=size, precision=amp or 'float32', way=way, round=r, images=a.bs, seconds=round(s, 5), images_per_second=round(a.bs/s, 1),
                                 **{k: round(v, 5) if way == 'learner' else '' for k, v in timer.seconds.items()}, threads=torch.get_num_threads(),
                                 load=round(os.getloadavg()[0], 2), seed=a.seed, cpu=cpu_name(), python=platform.python_version(), torch=torch.__version__, torchvision=torchvision.__version__))
        speed = {w: np.median([o['images_per_second'] for o in mine if o['way'] == w]) for w in ('learner', 'plain loop')}
        print(f"{job:24s} learner {speed['learner']:6.0f} images/s, plain loop {speed['plain loop']:6.0f}, ratio {speed['learner']/speed['plain loop']:.2f}", flush=True)
        rows += mine
    save(rows, a.out or results/'train_step.csv')


if __name__ == '__main__': main()
