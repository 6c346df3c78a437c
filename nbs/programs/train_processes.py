"A run without BatchNorm whose processes a launcher starts; each writes down its first step. The slow lesson in 44_processes starts it, breaks it off and reads it"
import copy, os, sys
import torch
from torch import nn
from fastai.callback.core import Callback
from fastai.torch_core import get_model, rank_distrib
from sigmoid_cl.callbacks import StepCallback
from sigmoid_cl.networks import batch_norms
from sigmoid_cl.run import train
out = sys.argv[1]

class NoNorms(Callback):
    "Takes BatchNorm out: processes normalise by their own part of a batch, one process by all of it"
    def after_create(self):
        norms = {id(o) for o in batch_norms(self.model)}
        for m in list(self.model.modules()):
            for name,child in m.named_children():
                if id(child) in norms: setattr(m, name, nn.Identity())

class First(Callback):
    "Writes down the first step of a run; with BREAK set the processes end in the second epoch"
    order,run_valid,seen = StepCallback.order,False,False
    def before_step(self):
        if self.seen or self.epoch: return
        model = copy.deepcopy(get_model(self.model))
        model._forward_pre_hooks.clear() # the timer's, which cannot be saved
        grads = {k: p.grad for k,p in get_model(self.model).named_parameters()}
        torch.save(dict(model=model, views=list(self.xb), v=self.pred[1], loss=self.learn.loss.item(), grads=grads), f'{out}/{rank_distrib()}.pt')
        self.seen = True
    def before_batch(self):
        if 'BREAK' in os.environ and self.epoch==1 and self.iter==1: os._exit(7)

settings = {} if 'resume' in sys.argv else dict(limit=256, bs=128, n_local=1, probe_every=0., epochs=2, amp='none', no_baselines=True)
train(out=out, resume='resume' in sys.argv, cbs=[NoNorms(), First()], **settings)
