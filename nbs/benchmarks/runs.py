"""Gathers the `metrics.json` of finished runs in one table.

    for s in 0 1 2 42; do scl_train --seed $s --out scl_runs/digits-$s; done
    scl_train --data cifar10 --data_root ROOT --limit 10000 --epochs 3 --out scl_runs/cifar10
    python nbs/benchmarks/runs.py scl_runs/*       # writes results/scl_train.csv
"""
import argparse, csv, json
from pathlib import Path


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('runs', nargs='+', type=Path, help='folders of finished runs')
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'scl_train.csv')
    a = p.parse_args()
    rows = []
    for run in a.runs:
        m = json.loads((run/'metrics.json').read_text())
        c = m['config']
        rows.append({k: c[k] for k in ('data', 'limit', 'encoder', 'amp', 'loss', 'epochs', 'bs', 'seed')} |
                    {k: m[k] for k in ('linear_probe', 'knn_probe', 'raw_pixels', 'random_encoder', 'seconds', 'images_per_second', 'steps', 'pairs_seen', 'pairs_total')} |
                    {f'{net}_{n}': m['few_labels'][n][net] for n in ('1', '10') for net in ('trained', 'untrained', 'raw')} |
                    {f'time_{k}': v/sum(m['seconds_by_phase'].values()) for k, v in m['seconds_by_phase'].items()} |
                    {'versions': ' '.join(f'{k} {v}' for k, v in m['versions'].items())})
    with open(a.out, 'w', newline='') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader(); w.writerows(rows)
    print(f'{len(rows)} runs in {a.out}')


if __name__ == '__main__': main()
