"""What a seed fixes: runs of the study mscl_cifar10 again with the same seed in other arithmetics. Writes results/mscl_noise.csv, a row a run.

    python nbs/papers/mscl_noise.py ROOT scl-s0 mscl-s0     # ROOT holds CIFAR-10; about eight minutes of one core a row; rows that are there stay
"""
import argparse, csv, tempfile, time
from pathlib import Path

import torch
from sigmoid_cl.run import train
from sigmoid_cl.runlog import versions
from sigmoid_cl.study import read_study, study_runs

ARITHMETICS = (1, 'bf16'), (2, 'bf16'), (1, 'none') # threads, whose number changes the order of sums; precision


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('root', help='folder that holds CIFAR-10')
    p.add_argument('runs', nargs='+', help='names of runs of the study')
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'mscl_noise.csv')
    a = p.parse_args()
    rows = list(csv.DictReader(a.out.open(newline=''))) if a.out.exists() else []
    known = {o['run']: o['flags'] for o in study_runs(read_study('mscl_cifar10'))}
    if unknown := [o for o in a.runs if o not in known]: p.error(f'runs must be of mscl_cifar10, got {unknown[0]!r}')
    for threads, amp in ARITHMETICS:
        for run in a.runs:
            if any((r['run'], r['threads'], r['amp'])==(run, str(threads), amp) for r in rows): continue
            torch.set_num_threads(threads)
            start = time.process_time()
            with tempfile.TemporaryDirectory() as out: res = train(data_root=a.root, out=f'{out}/run', **known[run] | dict(amp=amp, probe_every=0, no_baselines=True))
            rows.append(dict(run=run, seed=known[run]['seed'], threads=threads, amp=amp, **{k: res[k] for k in ('linear_probe', 'knn_probe')}, cpu_seconds=round(time.process_time()-start, 1), versions=' '.join(f'{k} {v}' for k, v in versions().items())))
            with a.out.open('w', newline='') as f:
                w = csv.DictWriter(f, rows[0])
                w.writeheader(); w.writerows(rows)
            print(rows[-1], flush=True)


if __name__ == '__main__': main()
