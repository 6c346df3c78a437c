"Two processes of a group: train, stop and go on, or die or hang in the middle; the lesson in 44_processes starts and reads them"
import os, signal, sys, time
import torch
import torch.distributed as dist
from torch import nn
from fastai.callback.core import Callback
from sigmoid_cl.callbacks import StepCallback
from sigmoid_cl.checkpoint import Checkpoint
from sigmoid_cl.data import contrastive_dls, load_data
from sigmoid_cl.learner import contrastive_learner
from sigmoid_cl.processes import on_processes
from sigmoid_cl.views import MultiCrop
rank,folder,hang = int(os.environ['RANK']),sys.argv[1],'hang' in sys.argv
torch.set_num_threads(1)
out = {}

class First(Callback):
    order,run_valid = StepCallback.order+1,False
    def before_step(self):
        if 'grads' not in out: out.update(views=[o.clone() for o in self.xb], v=self.pred[1], own=self.loss_grad.item(), 
                                          grads={k: p.grad.clone() for k,p in self.model.module.named_parameters()})

class Dies(Callback):
    run_valid = False
    def before_batch(self):
        if self.epoch==1 and self.iter==1: os._exit(7)

class Hangs(Callback):
    run_valid = False
    def before_batch(self):
        if self.epoch==1 and self.iter==1: time.sleep(60)

def learner(**kw):
    torch.manual_seed(0)
    data = load_data('digits', limit=200)
    encoder = nn.Sequential(nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(64, 32), nn.LayerNorm(32), nn.ReLU())
    learn = contrastive_learner(contrastive_dls(data, bs=64, views=MultiCrop(data.size, **data.preset)), encoder, amp='none', **kw)
    learn.model.projector = nn.Linear(32, 16)
    return learn

class Asked(Callback):
    "Process 1 is asked to stop in the middle of step 5"
    def after_pred(self):
        if rank==1 and self.train_iter==4: self.checkpoint.asked = signal.SIGTERM

class Orphaned(Callback):
    "Process 1 has lost its launcher in step 2"
    def after_pred(self):
        if rank==1 and self.train_iter==1: self.checkpoint.agree.launcher = 0

def stopped_and_continued(cb):
    "Train until both processes leave, go on in new objects"
    learn = learner(threshold=.02, gamma=1., warmup=3, chunk=20, cbs=[Checkpoint(f'{folder}/checkpoint.pt'), cb])
    try:
        with learn.no_bar(), learn.no_logging(), on_processes(learn): learn.fit(2)
    except SystemExit as e: out['left'].append((e.code, learn.checkpoint.steps))
    dist.barrier()
    learn = learner(threshold=.02, gamma=1., warmup=3, chunk=20, cbs=Checkpoint(f'{folder}/checkpoint.pt'))
    start = learn.checkpoint.load()
    out['begin'].append((start, learn.checkpoint._loaded['batch']))
    dist.barrier()
    with learn.no_bar(), learn.no_logging(), on_processes(learn): learn.fit(2, start_epoch=start)
    out['resumed'].append((learn.model.state_dict(), learn.step_log.rows))

def ends_early(cb, timeout=None):
    "Train with a callback that spoils process 1; process 0 says how that ends"
    learn,begin = learner(),time.time()
    if rank==1: learn.add_cb(cb)
    try:
        with learn.no_bar(), learn.no_logging(), on_processes(learn, timeout=timeout, patience=1.): learn.fit(3)
    except RuntimeError as e: print(f'{e.__notes__[-1]} | after {time.time()-begin:.0f} s')
    sys.stdout.flush()
    os._exit(0)

if hang: ends_early(Hangs(), timeout=4)
learn = learner(threshold=.02, gamma=1., warmup=3, chunk=20, cbs=First())
out['start'] = {k: v.clone() for k,v in learn.model.state_dict().items()}
with learn.no_bar(), learn.no_logging(), on_processes(learn): learn.fit(2)
out.update(rows=learn.step_log.rows, end=learn.model.state_dict(), target=learn.target_ema.target.state_dict(), epoch=learn.dls.train.epoch,
           types=[type(o).__name__ for o in (learn.model, learn.loss_func.loss, learn.dls.train)])
out.update(left=[], begin=[], resumed=[])
for cb in (Asked(), Orphaned()): stopped_and_continued(cb)
torch.save(out, f'{folder}/{rank}.pt')

ends_early(Dies())
