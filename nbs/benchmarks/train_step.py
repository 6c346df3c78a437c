"""Seconds per image of a whole training step (views, target, forward, loss, backward, optimiser): the learner against a plain loop, in interleaved rounds.

    python nbs/benchmarks/train_step.py       # writes results/train_step.csv, about two minutes

The plain loop is what a first version of such a program looks like: every view of every image made by per-image transforms on PIL images, one forward pass for each view in the
online and in the target network, and the textbook loss for each pair of views. Network, optimiser, batch and number of threads are the same. Both ways take one step in turn.
"""
import argparse, copy, csv, os, platform, time
from pathlib import Path

import numpy as np, torch, torchvision
from PIL import Image

from sigmoid_cl.callbacks import target_copy, ema_update
from sigmoid_cl.data import ImageData, MemoryImages, contrastive_dls
from sigmoid_cl.learner import StepTimer, contrastive_learner
from sigmoid_cl.losses import sigmoid_loss
from sigmoid_cl.networks import build_encoder, param_groups
from sigmoid_cl.views import MultiCrop
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


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--rounds', type=int, default=7)
    p.add_argument('--bs', type=int, default=128)
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--jobs', nargs='+', default=['convnet,8,none', 'convnet,8,bf16', 'resnet18_w32,32,none', 'resnet18_w32,32,bf16'], help='encoder,pixels,precision')
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'train_step.csv')
    a = p.parse_args()
    rows = []
    for job in a.jobs:
        name, size, amp = job.split(',')
        size, amp = int(size), None if amp == 'none' else amp
        torch.manual_seed(a.seed)
        x = photographs(a.bs, size, np.random.default_rng(a.seed))
        ims = MemoryImages(x)
        data = ImageData('photographs', ims, ims, ims, [], size)
        timer = StepTimer()
        learn = contrastive_learner(contrastive_dls(data, a.bs, MultiCrop(size), seed=a.seed), build_encoder(name, 3, size), amp=amp, cbs=timer)
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
    tmp = a.out.with_suffix('.tmp')
    with open(tmp, 'w', newline='') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader(); w.writerows(rows)
    tmp.replace(a.out)


if __name__ == '__main__': main()
