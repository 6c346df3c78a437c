"""Half an hour of training, on images in memory and on files that worker processes decode: what an epoch takes and what the process holds, epoch by epoch"""
import argparse
from forked import *
import numpy as np
import psutil
from PIL import Image
from fastai.callback.core import Callback,CancelFitException

class Soak(Callback):
    "A row an epoch; ends the training after some minutes"
    def __init__(self, data, minutes, rows): self.data,self.minutes,self.rows,self.me = data,minutes,rows,psutil.Process()
    def clock(self):
        t = os.times()
        return dict(seconds=time.time(), cpu=t.user+t.system)

    def before_fit(self): self.begin = self.last = self.clock()
    def after_epoch(self):
        now,info = self.clock(),self.me.memory_full_info()
        self.rows.append(dict(data=self.data, epoch=self.epoch+1, minutes=round((now['seconds']-self.begin['seconds'])/60, 3), steps=self.checkpoint.steps,
                              seconds=round(now['seconds']-self.last['seconds'], 3), cpu=round(now['cpu']-self.last['cpu'], 3), memory_mb=round(info.uss/2**20, 2), handles=self.me.num_fds(), threads=self.me.num_threads(),
                              children=len(self.me.children(recursive=True)), shared=len(os.listdir('/dev/shm')), load=round(os.getloadavg()[0], 1)))
        self.last = now
        if now['seconds']-self.begin['seconds']>60*self.minutes: raise CancelFitException

def noise(folder, n=512, size=64):
    for i in range(n):
        (p := folder/'train'/'ab'[i%2]/f'{i}.jpg').parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(256, size=(size, size, 3), dtype=np.uint8)).save(p)
    return folder

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--minutes', type=float, default=15, help='of each of the two')
    p.add_argument('--results', type=Path, default=RESULTS/'reliability_soak.csv')
    args = p.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as d:
        for data,where,kw in (('memory', 'digits', dict(bs=256)), ('files', noise(Path(d)/'noise'), dict(bs=64, num_workers=2, encoder='resnet8_w16', size=32))):
            run.train(str(where), out=f'{d}/{data}', epochs=100_000, n_local=1, amp='none', no_baselines=True, probe_every=20., save_minutes=.5, cbs=[Soak(data, args.minutes, rows)], **kw)
            store(rows, args.results)
