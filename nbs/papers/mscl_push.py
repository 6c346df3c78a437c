"""How hard negatives push and positives pull in the first step, measured on the first batch of the runs of theory_batch, theory_limits, theory_starts, theory_bias and mscl_imagenette. Writes results/mscl_push.csv, a row a batch, seed, scale and bias.

    python nbs/papers/mscl_push.py ROOT PHOTOS     # the folders of CIFAR-10 and imagenette; three minutes of one core

The embeddings of the first batch do not depend on scale and bias. Each number is the mean over the pairs of views that the loss takes.
"""
import argparse, csv, tempfile
from pathlib import Path

import torch
from fastai.callback.core import Callback, CancelFitException
from sigmoid_cl.embeddings import pair_geometry
from sigmoid_cl.losses import push_pull, sigmoid_loss, view_pairs
from sigmoid_cl.optimum import suggest_bias
from sigmoid_cl.run import build, resolve
from sigmoid_cl.runlog import versions
from sigmoid_cl.study import read_study, study_runs

BATCHES = 64, 128, 256, 512
STARTS = (1., 0.), (5., -4.), (5., -5.), (5., -6.), (5., -6.8), (10., -5.), (10., -6.3), (10., -9.2), (10., -10.)


class FirstBatch(Callback):
    "Keeps the embeddings of the first batch, two matrices for each pair of views that the loss takes, and stops"
    def after_loss(self):
        u,v = [o.detach().double() for o in self.pred[:2]]
        self.views = [(u[i],v[j]) for i,j in view_pairs(len(u), len(v))]
        raise CancelFitException

def first_views(flags, root):
    "Embeddings of the first batch of a run"
    with tempfile.TemporaryDirectory() as out:
        config,images = resolve(flags['data'], {k: v for k,v in flags.items() if k!='data'} | dict(data_root=root), None)
        learn,_ = build(config, images, Path(out)/'run')
        learn.narrator.say = lambda *lines, **kw: None
        with learn.no_bar(),learn.no_logging(): learn.fit(1, cbs=[first := FirstBatch()])
    return first.views

def mean(o): return float(sum(o)/len(o))

def rows_of(embeddings, n, seed, flags, root, starts):
    "A row for each scale and bias"
    views = first_views(flags, root)
    shape = [pair_geometry(u, v) for u,v in views]
    for t,b in starts:
        forces = [push_pull(u, v, t, b) for u,v in views]
        row = dict(t=t, b=b, loss=mean([sigmoid_loss(u, v, t, b) for u,v in views]), push=mean([o[0] for o in forces]), pull=mean([o[1] for o in forces]), **{k: mean([getattr(o, k) for o in shape]) for k in ('s_pos','s_neg','std_pos','std_neg')})
        yield dict(data=flags['data'], embeddings=embeddings, n=n, seed=seed, **{k: round(o, 5) for k,o in row.items()}, versions=' '.join(f'{k} {v}' for k,v in versions().items()))

def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('root', help='folder that holds CIFAR-10')
    p.add_argument('photos', help='folder that holds imagenette')
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'mscl_push.csv')
    a = p.parse_args()
    torch.set_num_threads(1)
    rows = []
    def suggested(n): return [(t, float(suggest_bias(n, t))) for t in (5., 10.)]
    def flags(study, run): return {o['run']: o['flags'] for o in study_runs(read_study(study))}[run]
    for seed in (0, 1, 2):
        for n in BATCHES: rows += rows_of('centred', n, seed, flags('theory_limits', f'n{n}-t5b-4-gamma0-s{seed}'), a.root, [*STARTS, *suggested(n)])
        if seed<2: rows += rows_of('free', 128, seed, flags('theory_bias', f't5b-5-free-s{seed}'), a.root, [*STARTS, *suggested(128)])
        for kind,variant in (('free','scl'), ('centred','scl_centred')): rows += rows_of(kind, 256, seed, flags('mscl_imagenette', f'{variant}-s{seed}'), a.photos, [(5., -5.), (5., -7.8), *suggested(256)])
        print({k: v for k,v in rows[-1].items() if k!='versions'}, flush=True)
    with a.out.open('w', newline='') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader(); w.writerows(rows)


if __name__ == '__main__': main()
