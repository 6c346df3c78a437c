"""What the study's probes say before any training: raw pixels, and the study's encoder with random weights.

    python nbs/papers/mscl_baselines.py ROOT       # ROOT holds CIFAR-10; writes results/mscl_baselines.csv
"""
import argparse, csv
from pathlib import Path

import torch
from torch import nn
from sigmoid_cl.data import load_data
from sigmoid_cl.evaluate import extract_features, knn_probe, linear_probe
from sigmoid_cl.networks import build_encoder
from sigmoid_cl.study import read_study


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('root', help='folder that holds CIFAR-10')
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'mscl_baselines.csv')
    a = p.parse_args()
    torch.set_num_threads(1)
    name = read_study('mscl_cifar10')['flags']['encoder']
    rows = []
    for limit in (None, 25_000):
        data = load_data('cifar10', a.root, limit=limit)
        nets = [('raw pixels', '', nn.Flatten())]
        for seed in range(3):
            torch.manual_seed(seed)
            nets.append(('untrained encoder', seed, build_encoder(name, 3, 32)))
        for what, seed, net in nets:
            train, test = [extract_features(net, o) for o in (data.train, data.test)]
            rows.append(dict(features=what, encoder='' if seed=='' else name, seed=seed, images=len(data.train), linear_probe=linear_probe(None, train, test), knn_probe=knn_probe(None, train, test)))
            print(rows[-1], flush=True)
    with open(a.out, 'w', newline='') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader(); w.writerows(rows)


if __name__ == '__main__': main()
