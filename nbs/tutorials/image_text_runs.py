"""Trains image and text on OpenMoji with several losses and seeds; appends a row for each run to results/image_text.csv.

    python image_text_runs.py [SEEDS] [EPOCHS]

With the tones of skin half of the drawings share their name with others: pairs that are negatives by name only.
"""
import csv,platform,sys,time
from pathlib import Path
import torch
from fastai.torch_core import set_seed
from sigmoid_cl import __version__
from sigmoid_cl.optimum import phase
from sigmoid_cl.text import TextEncoder
from sigmoid_cl.two_towers import pair_dls,retrieval,two_tower_learner
import openmoji

RUNS = [(data, loss, groups, kw) for data,groupings in (('names', ('positive',)), ('tones', ('none','positive','ignore')))
        for loss,kw in (('SCL', dict(gamma=0., gamma_end=0.)), ('MSCL', dict(gamma=1.)), ('filter', dict(threshold=.05, gamma=1., warmup=.3)), ('InfoNCE', dict(loss='infonce')))
        for groups in groupings if not (data=='tones' and (loss=='filter' or (loss=='InfoNCE' and groups!='none')))]

def run(train, test, seed, epochs, bs=256, groups='positive', **kw):
    "One training; recall on the names it has not seen"
    set_seed(seed)
    text = TextEncoder(train.tokenizer.vocab, train.tokenizer.length, 64, depth=1)
    learn = two_tower_learner(pair_dls(train, bs, device='cpu', seed=seed), 'resnet8_w16', text, groups=groups, amp='none', **kw)
    start = time.time()
    with learn.no_bar(),learn.no_logging(): learn.fit_one_cycle(epochs, 4e-3, pct_start=.1)
    seconds,found,last = time.time()-start,retrieval(learn.model, test),learn.step_log.rows[-1]
    row = dict(loss_at_end=last['loss'], t=last['t'], b=last['b'], phase=str(phase(bs, last['t'], last['b'])), s_pos=last.get('s_pos'), s_neg=last.get('s_neg'), steps=learn.step_log.steps, seconds=seconds)
    return row | {f'{side}_{k}': v for side,o in found.items() for k,v in o.items()}

def main(seeds=3, epochs=30):
    out = Path(__file__).parents[2]/'results'/'image_text.csv'
    there = list(csv.DictReader(out.open())) if out.exists() else []
    done = {(o['data'], o['loss'], o['groups'], o['seed'], o['epochs']) for o in there}
    data = {k: openmoji.load(tones=k=='tones') for k in ('names','tones')}
    for seed in range(seeds):
        for name,loss,groups,kw in RUNS:
            if (name, loss, groups, str(seed), str(epochs)) in done: continue
            train,test = data[name]
            row = dict(data=name, loss=loss, groups=groups, seed=seed, epochs=epochs, pairs=len(train), names=len(train.groups.unique()), test=len(test)) | run(train, test, seed, epochs, groups=groups, **kw)
            row |= dict(sigmoid_cl=__version__, torch=torch.__version__, python=platform.python_version(), threads=torch.get_num_threads())
            with out.open('a', newline='') as f:
                writer = csv.DictWriter(f, row)
                if not f.tell(): writer.writeheader()
                writer.writerow({k: f'{v:.5g}' if isinstance(v, float) else v for k,v in row.items()})
            print(row, flush=True)

if __name__=='__main__': main(*map(int, sys.argv[1:]))
