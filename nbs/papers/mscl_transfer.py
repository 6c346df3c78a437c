"""Few labels and transfer: encoders of the study mscl_batch, and one without training, probed with 1, 2, 5, 10 and all labels of CIFAR-10 and of an image folder. Writes results/mscl_transfer.csv, a row an encoder and set.

    python nbs/papers/mscl_transfer.py RUNS ROOT FOLDER     # runs of `scl_study mscl_batch --out`; ROOT holds CIFAR-10; FOLDER has train/CLASS and test/CLASS, read at 32 px; a minute a row; rows that are there stay
"""
import argparse, csv
from pathlib import Path

import torch
from sigmoid_cl.data import load_data
from sigmoid_cl.evaluate import extract_features, few_label_probe, knn_probe, linear_probe
from sigmoid_cl.networks import build_encoder
from sigmoid_cl.runlog import load_encoder, versions
from sigmoid_cl.study import read_study


def encoders(runs):
    "Names, and functions that give the encoders"
    name = read_study('mscl_batch')['flags']['encoder']
    def untrained():
        torch.manual_seed(0)
        return build_encoder(name, 3, 32)
    yield 'untrained-s0', untrained
    yield from ((o.parent.name, lambda o=o: load_encoder(o)[0]) for o in sorted(Path(runs).glob('*/encoder.safetensors')) if (o.parent/'metrics.json').exists())


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('runs', type=Path, help='folder of the finished runs')
    p.add_argument('root', help='folder that holds CIFAR-10')
    p.add_argument('folder', type=Path, help='folder of images of other classes')
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'mscl_transfer.csv')
    a = p.parse_args()
    torch.set_num_threads(1)
    sets = {'cifar10': load_data('cifar10', a.root), a.folder.name: load_data(str(a.folder), size=32)}
    rows = list(csv.DictReader(a.out.open(newline=''))) if a.out.exists() else []
    for run,make in encoders(a.runs):
        for name,data in sets.items():
            if any((r['run'],r['set'])==(run,name) for r in rows): continue
            train,test = [extract_features(make(), o) for o in (data.train, data.test)]
            few = few_label_probe(train, test)
            rows.append(dict(run=run, set=name, **{f'labels_{k}': v for k,v in few.items()}, linear_probe=linear_probe(None, train, test), knn_probe=knn_probe(None, train, test), images=len(train[0]), versions=' '.join(f'{k} {v}' for k,v in versions().items())))
            with a.out.open('w', newline='') as f:
                w = csv.DictWriter(f, rows[0])
                w.writeheader(); w.writerows(rows)
            print({k: v for k,v in rows[-1].items() if k!='versions'}, flush=True)


if __name__ == '__main__': main()
