"""Does a bias that learns faster repair a start outside the region of the simplex? Runs of the study theory_starts from (5, -5) with SCL, where every step of the bias counts K times. Writes results/mscl_bias.csv, a row a run.

    python nbs/papers/mscl_bias.py ROOT --times 10 30 --seeds 0 1 2     # ROOT holds CIFAR-10; a minute of one core a row; rows that are there stay
"""
import argparse, csv, tempfile
from pathlib import Path

import torch
from fastai.callback.core import Callback
from sigmoid_cl.run import train
from sigmoid_cl.runlog import versions
from sigmoid_cl.study import read_study, study_runs


class FastBias(Callback):
    "Every step of the bias, `times` times as long"
    def __init__(self, times): self.times = times
    def before_step(self): self.before = self.model.logit_bias.detach().clone()
    def after_step(self):
        with torch.no_grad(): self.model.logit_bias.add_((self.times-1)*(self.model.logit_bias-self.before))


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('root', help='folder that holds CIFAR-10')
    p.add_argument('--times', type=int, nargs='+', default=[10, 30])
    p.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'mscl_bias.csv')
    a = p.parse_args()
    torch.set_num_threads(1)
    flags = {o['run']: o['flags'] for o in study_runs(read_study('theory_starts'))}
    for seed in a.seeds:
        for k in a.times:
            rows = list(csv.DictReader(a.out.open(newline=''))) if a.out.exists() else []
            if any((r['times'], r['seed'])==(str(k), str(seed)) for r in rows): continue
            with tempfile.TemporaryDirectory() as out:
                res = train(data_root=a.root, out=f'{out}/run', cbs=[FastBias(k)], no_baselines=True, **flags[f't5b-5-scl-s{seed}'])
            rows.append(dict(times=k, seed=seed, **{o: res[o] for o in ('linear_probe','knn_probe')}, **{o: res['final'][o] for o in ('t','b','s_pos','s_neg','s_pos_optimal')}, versions=' '.join(f'{k} {v}' for k,v in versions().items())))
            with a.out.open('w', newline='') as f:
                w = csv.DictWriter(f, rows[0])
                w.writeheader(); w.writerows(rows)
            print({k: v for k,v in rows[-1].items() if k!='versions'}, flush=True)


if __name__ == '__main__': main()
