"""How hard negatives push and positives pull in the first step, measured on the first batch of the runs of theory_batch, theory_limits and theory_starts. Writes results/mscl_push.csv, a row a batch, seed, scale and bias.

    python nbs/papers/mscl_push.py ROOT     # ROOT holds CIFAR-10; two minutes of one core

The embeddings of the first batch do not depend on scale and bias. Per image, and as the mean over the pairs of views that the loss takes: pull is the size of the loss's
derivative by the logit of the positive, push the sum of those by the logits of the negatives, so that the derivative of the loss by the bias is their difference.
"""
import argparse, csv, math, tempfile
from pathlib import Path

import torch
from fastai.callback.core import Callback, CancelFitException
from sigmoid_cl.losses import view_pairs
from sigmoid_cl.optimum import suggest_bias
from sigmoid_cl.run import build, resolve
from sigmoid_cl.runlog import versions
from sigmoid_cl.study import read_study, study_runs

BATCHES = 64, 128, 256, 512
STARTS = (5., -4.), (5., -5.), (5., -6.), (10., -5.), (10., -6.3), (10., -10.)


class FirstBatch(Callback):
    "Keeps the cosines of the first batch, a matrix for each pair of views, and stops"
    def after_loss(self):
        u,v = [torch.nn.functional.normalize(o.detach().double(), dim=-1) for o in self.pred[:2]]
        self.cosines = [u[i]@v[j].T for i,j in view_pairs(len(u), len(v))]
        raise CancelFitException

def first_cosines(flags, root):
    "Cosines of the first batch of a run"
    with tempfile.TemporaryDirectory() as out:
        config,images = resolve(flags['data'], {k: v for k,v in flags.items() if k!='data'} | dict(data_root=root), None)
        learn,_ = build(config, images, Path(out)/'run')
        learn.narrator.say = lambda *lines, **kw: None
        with learn.no_bar(),learn.no_logging(): learn.fit(1, cbs=[first := FirstBatch()])
    return first.cosines

def forces(cosines, t, b):
    "Loss of SCL, push and pull per image, mean over the pairs of views"
    same = torch.eye(len(cosines[0]), dtype=torch.bool)
    each = [(t*s+b, same) for s in cosines]
    n,k = len(same),len(each)
    loss = sum((torch.nn.functional.softplus(torch.where(m, -z, z))).sum() for z,m in each)/(n*k)
    return loss.item(),sum(z[~m].sigmoid().sum() for z,m in each).item()/(n*k),sum((-z[m]).sigmoid().sum() for z,m in each).item()/(n*k)

def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('root', help='folder that holds CIFAR-10')
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'mscl_push.csv')
    a = p.parse_args()
    torch.set_num_threads(1)
    flags = {o['run']: o['flags'] for o in study_runs(read_study('theory_limits'))}
    rows = []
    for n in BATCHES:
        for seed in (0, 1, 2):
            cosines = first_cosines(flags[f'n{n}-t5b-4-gamma0-s{seed}'], a.root)
            same = torch.eye(n, dtype=torch.bool)
            pos,neg = [torch.cat([s[m] for s in cosines]) for m in (same, ~same)]
            for t,b in (*STARTS, *((t, float(suggest_bias(n, t))) for t in (5., 10.))):
                loss,push,pull = forces(cosines, t, b)
                rows.append(dict(n=n, seed=seed, t=t, b=round(b, 5), loss=round(loss, 5), push=round(push, 5), pull=round(pull, 5), **{f'{k}_{w}': round(f(o).item(), 5) for w,o in (('pos',pos), ('neg',neg)) for k,f in (('mean',torch.mean), ('std',torch.std))},
                                 versions=' '.join(f'{k} {v}' for k,v in versions().items())))
            print({k: v for k,v in rows[-1].items() if k!='versions'}, flush=True)
    with a.out.open('w', newline='') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader(); w.writerows(rows)


if __name__ == '__main__': main()
