"""What the studies' probes say before any training: raw pixels (of small images), and the studies' encoders with random weights.

    python nbs/papers/mscl_baselines.py ROOT [--studies mscl_imagenette]       # ROOT holds the sets; rows that are there stay
"""
import argparse, csv
from pathlib import Path

import torch
from torch import nn
from sigmoid_cl.data import load_data
from sigmoid_cl.evaluate import extract_features, knn_probe, linear_probe
from sigmoid_cl.networks import build_encoder
from sigmoid_cl.study import read_study

LIMITS = {'mscl_cifar10': (None, 25_000), 'mscl_imagenette': (None,)}


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('root', help='folder that holds the image sets')
    p.add_argument('--studies', nargs='+', choices=LIMITS, default=list(LIMITS))
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'mscl_baselines.csv')
    a = p.parse_args()
    torch.set_num_threads(1)
    rows = list(csv.DictReader(a.out.open(newline=''))) if a.out.exists() else []
    for study in a.studies:
        name, encoder = (read_study(study)['flags'][k] for k in ('data', 'encoder'))
        for limit in LIMITS[study]:
            data = load_data(name, a.root, limit=limit).decoded_by(0)
            for seed in ('', 0, 1, 2) if data.size<=32 else (0, 1, 2):
                key = dict(data=name, features='raw pixels' if seed=='' else 'untrained encoder', encoder='' if seed=='' else encoder, seed=str(seed), images=str(len(data.train)))
                if any(key.items()<=r.items() for r in rows): continue
                torch.manual_seed(seed or 0)
                net = nn.Flatten() if seed=='' else build_encoder(encoder, data.channels, data.size)
                train, test = [extract_features(net, o) for o in (data.train, data.test)]
                rows.append(key | dict(linear_probe=linear_probe(None, train, test), knn_probe=knn_probe(None, train, test)))
                print(rows[-1], flush=True)
                with a.out.open('w', newline='') as f:
                    w = csv.DictWriter(f, rows[0])
                    w.writeheader(); w.writerows(rows)


if __name__ == '__main__': main()
