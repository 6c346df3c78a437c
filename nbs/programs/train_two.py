"A short run whose processes torchrun starts; the lesson in 60_run reads what it leaves in the folder it is given"
import sys
from sigmoid_cl.run import train

train(out=sys.argv[1], limit=256, bs=128, n_local=1, probe_every=0., epochs=2, amp='none', no_baselines=True)
