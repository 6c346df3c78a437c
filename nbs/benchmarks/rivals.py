"""What a time of training buys: CIFAR-10 by this package, by lightly's examples of SimCLR and BYOL and by solo-learn's settings of SimCLR, with one encoder on one core. Writes results/time_to_accuracy.csv, a row a run.

    python nbs/benchmarks/rivals.py ROOT --minutes 3 --seeds 0 1 2          # ROOT holds CIFAR-10; rows that are there stay

The clock is the processor's time of one thread, with everything that training does in it (images decoded, views made, steps), so that what else the machine does
counts for nothing; probes are not in it. All train the same encoder in bfloat16. Needs the extra `peers`.
"""
import argparse, copy, csv, math, tempfile, time
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torchvision.datasets import CIFAR10
from fastai.callback.core import Callback, CancelFitException
from lightly.loss import NegativeCosineSimilarity, NTXentLoss
from lightly.models.modules import BYOLProjectionHead, SimCLRProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.transforms import SimCLRTransform
from timm.optim import Lars
from sigmoid_cl.data import load_data
from fastai.torch_core import set_seed
from sigmoid_cl.evaluate import extract_features, knn_probe, linear_probe
from sigmoid_cl.networks import build_encoder, n_features
from sigmoid_cl.run import build, fit, resolve
from sigmoid_cl.runlog import versions

SIZE,BS = 32,256

class SimCLR(nn.Module):
    "lightly's example: its projection head, SGD at one rate"
    def __init__(self, encoder, n, hidden=512, out=128, temperature=.5, **kw):
        super().__init__()
        self.encoder,self.head,self.loss = encoder,SimCLRProjectionHead(n, hidden, out, **kw),NTXentLoss(temperature)
    def forward(self, x0, x1): return self.loss(self.head(self.encoder(x0)), self.head(self.encoder(x1)))
    def optimiser(self): return torch.optim.SGD(self.parameters(), lr=.06), lambda done: 1.

class SoloSimCLR(SimCLR):
    "solo-learn's settings for CIFAR-10: a wide head without BatchNorm, temperature .2, LARS at .4 with a warm-up of a hundredth and a cosine"
    def __init__(self, encoder, n): super().__init__(encoder, n, 2048, 256, .2, batch_norm=False)
    def optimiser(self):
        groups = [dict(params=[p for p in self.parameters() if (p.ndim>1)==decayed], weight_decay=1e-4 if decayed else 0.) for decayed in (True, False)]
        return Lars(groups, lr=.4, momentum=.9, trust_coeff=.02, trust_clip=True), lambda done: min(1., done/.01)*.5*(1+math.cos(math.pi*done))

class BYOL(nn.Module):
    "lightly's example"
    def __init__(self, encoder, n):
        super().__init__()
        self.encoder,self.head,self.predict,self.loss = encoder,BYOLProjectionHead(n, 1024, 256),BYOLProjectionHead(256, 1024, 256),NegativeCosineSimilarity()
        self.target = copy.deepcopy(nn.Sequential(encoder, self.head))
        deactivate_requires_grad(self.target)
    def forward(self, x0, x1):
        update_momentum(nn.Sequential(self.encoder, self.head), self.target, m=.99)
        p,z = [self.predict(self.head(self.encoder(x))) for x in (x0,x1)],[self.target(x).detach() for x in (x0,x1)]
        return .5*(self.loss(p[0], z[1])+self.loss(p[1], z[0]))
    optimiser = SimCLR.optimiser

RIVALS = {'lightly SimCLR': SimCLR, 'lightly BYOL': BYOL, 'solo-learn SimCLR': SoloSimCLR}
SMALL = dict(bs=128, n_local=2, view_size=24, local_size=12, centred=True, bias_start='suggested', lr=2e-3, momentum=.98, gamma=0., gamma_end=0.)   # what scl_train took for CIFAR-10 on a CPU; with centred=False and the balanced bias it is what it takes
FORMER = dict(bs=256, n_local=4, view_size=32, local_size=13, centred=False, bias_start='suggested', lr=2e-3, momentum=.99, gamma=1., gamma_end=0.)  # what it took where nothing was known better
OURS = {'SCL': SMALL, 'MSCL': SMALL | dict(gamma=1., gamma_end=0.), 'InfoNCE': {k: v for k,v in SMALL.items() if 'gamma' not in k} | dict(loss='infonce'), 'MSCL, general settings': FORMER}
ONE = {'no local views': dict(n_local=0), '4 local views': dict(n_local=4), 'global views of 32 px': dict(view_size=32), 'global views of 20 px': dict(view_size=20), 'not centred': dict(centred=False), 'balanced bias': dict(bias_start='balanced'), 'not centred, balanced bias': dict(centred=False, bias_start='balanced'), 'rate 1e-3': dict(lr=1e-3), 'rate 4e-3': dict(lr=4e-3), 'rate 8e-3': dict(lr=8e-3),
       'batch 256': dict(bs=256, lr=2.8e-3), 'target .996': dict(momentum=.996), 'scale from 5': dict(logit_scale=5.), 'projector 1024-128': dict(n_hidden=1024, n_out=128)}
OURS |= {f'SCL, {k}': SMALL | v for k,v in ONE.items()} # one thing changed

def train_rival(method, encoder, minutes, seed, root):
    "Encoder, processor seconds and images seen"
    set_seed(seed)
    net = build_encoder(encoder, 3, SIZE)
    model = RIVALS[method](net, n_features(net, 3, SIZE)).to(memory_format=torch.channels_last)
    opt,rate = model.optimiser()
    highest = opt.param_groups[0]['lr']
    images = torch.utils.data.DataLoader(CIFAR10(root, transform=SimCLRTransform(input_size=SIZE)), batch_size=BS, shuffle=True, drop_last=True)
    start,seen = time.process_time(),0
    while True:
        for (x0,x1),_ in images:
            done = (time.process_time()-start)/(60*minutes)
            if done>=1: return net,60*minutes*done,seen
            for g in opt.param_groups: g['lr'] = highest*rate(done)
            with torch.autocast('cpu', torch.bfloat16): loss = model(x0.contiguous(memory_format=torch.channels_last), x1.contiguous(memory_format=torch.channels_last))
            loss.backward()
            opt.step(); opt.zero_grad()
            seen += len(x0)

class Stopwatch(Callback):
    "Processor time after each of some batches, where the fit ends"
    def before_fit(self): self.times = []
    def after_batch(self):
        self.times.append(time.process_time())
        if len(self.times)>8: raise CancelFitException

def train_ours(flags, encoder, minutes, seed, root):
    "The same by `scl_train`'s own parts; that whole epochs fill the time, they are of fewer images"
    flags = dict(flags, encoder=encoder, amp='bf16', seed=seed, data_root=root, probe_every=0)
    with tempfile.TemporaryDirectory() as out:
        config,images = resolve('cifar10', flags | dict(epochs=1), None)
        learn,_ = build(config, images, Path(out))
        learn.narrator.say = lambda *lines, **kw: None
        with learn.no_bar(),learn.no_logging(): learn.fit(1, cbs=[watch := Stopwatch()])
        each = median(b-a for a,b in zip(watch.times, watch.times[1:]))
        steps = int(.98*60*minutes/each) # the first steps are slower
        epochs = math.ceil(steps/len(learn.dls.train))
        config,images = resolve('cifar10', flags | dict(epochs=epochs, limit=steps//epochs*config['bs']), None)
        learn,_ = build(config, images, Path(out))
        learn.narrator.say = lambda *lines, **kw: None
        start = time.process_time()
        fit(learn, config)
        spent = time.process_time()-start
    return learn.model.encoder,spent,config['epochs']*len(learn.dls.train)*config['bs']

def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('root', help='folder that holds CIFAR-10')
    p.add_argument('--minutes', type=float, nargs='+', default=[3.])
    p.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    p.add_argument('--encoder', default='resnet8_w40')
    p.add_argument('--methods', nargs='+', choices=[*OURS, *RIVALS], default=[*[o for o in OURS if not o.startswith('SCL, ')], *RIVALS], help='what is trained; `SCL, ...` change one thing in SCL')
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'time_to_accuracy.csv')
    a = p.parse_args()
    torch.set_num_threads(1)
    data = load_data('cifar10', a.root)
    for seed in a.seeds:
        for minutes in a.minutes:
            for method in a.methods:
                rows = list(csv.DictReader(a.out.open(newline=''))) if a.out.exists() else []
                key = dict(method=method, encoder=a.encoder, minutes=str(minutes), seed=str(seed))
                if any(key.items()<=r.items() for r in rows): continue
                encoder,spent,seen = train_ours(OURS[method], a.encoder, minutes, seed, a.root) if method in OURS else train_rival(method, a.encoder, minutes, seed, a.root)
                train,test = [extract_features(encoder, o) for o in (data.train, data.test)]
                row = key | dict(seconds=round(spent, 1), epochs=round(seen/len(data.train), 2), images_per_second=round(seen/spent, 1),
                                 linear_probe=linear_probe(None, train, test), knn_probe=knn_probe(None, train, test), versions=' '.join(f'{k} {v}' for k,v in versions().items()))
                rows = [*(csv.DictReader(a.out.open(newline='')) if a.out.exists() else []), row]
                with a.out.open('w', newline='') as f:
                    w = csv.DictWriter(f, row)
                    w.writeheader(); w.writerows(rows)
                print({k: v for k,v in row.items() if k!='versions'}, flush=True)

if __name__ == '__main__': main()
