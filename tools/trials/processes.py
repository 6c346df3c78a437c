"""A run of two processes under `torchrun`: one of them killed, stopped, or told to end, the launcher killed. All must end by themselves or go on, a process that waits must say so, and the run that is continued
must end as the one that was left alone"""
import re,threading
from forked import *

FLAGS = '--limit','128','--bs','32','--epochs','3','--probe_every','0','--no_baselines','--n_local','1','--amp','none','--save_minutes','1e-9'

class Launched:
    "A run under `torchrun`, which is read line by line"
    def __init__(self, out, *more):
        env = os.environ | dict(GLOO_SOCKET_IFNAME='lo', OMP_NUM_THREADS='1')
        command = [sys.executable, '-W', 'ignore', '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2', '--no-python', sys.executable, '-W', 'ignore', '-c', 'from sigmoid_cl.cli import scl_train; scl_train()', '--out', str(out), *FLAGS, *more]
        self.out,self.lines,self.begin = out,[],time.time()
        self.p = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=lambda: [self.lines.append((time.time(), o)) for o in self.p.stdout])
        self.reader.start()

    def workers(self): return [int(o) for o in Path(f'/proc/{self.p.pid}/task/{self.p.pid}/children').read_text().split()]
    def until_steps(self, n):
        "Wait until the checkpoint says that a step in the middle of an epoch is done"
        while self.p.poll() is None:
            try: state = read_state(self.out/'checkpoint.pt')
            except (ValueError,OSError): time.sleep(.05); continue
            if state['own']['steps']>=n: return
            time.sleep(.05)
    def ended(self, limit=300):
        "Seconds until launcher and workers are gone, which closes the pipe; None when they are not by then"
        begin = time.time()
        self.reader.join(limit)
        self.p.wait()
        return None if self.reader.is_alive() else round(time.time()-begin, 1)
    def said(self, what, after=0): return next((round(t-after, 1) for t,o in self.lines if what in o and t>=after), None)

def nothing(r): pass
def launcher_killed(r): os.kill(r.p.pid, signal.SIGKILL)
def launcher_told(r): os.kill(r.p.pid, signal.SIGTERM)
def one_killed(r): os.kill(r.workers()[1], signal.SIGKILL)
def one_told(r): os.kill(r.workers()[1], signal.SIGTERM)
def all_killed(r): [os.kill(o, signal.SIGKILL) for o in (r.p.pid, *r.workers())]
def one_stopped(r):
    "For half a minute"
    pid,begin = r.workers()[1],time.time()
    os.kill(pid, signal.SIGSTOP)
    while r.said('no step has ended', begin) is None and time.time()-begin<120: time.sleep(.2)
    r.waited = r.said('no step has ended', begin)
    os.kill(pid, signal.SIGCONT)

if __name__=='__main__':
    with trials(__doc__, 'processes', 'what') as (table,d):
        alone = Launched(d/'alone')
        assert alone.ended() is not None and alone.p.returncode==0, alone.lines
        for what, in table.missing(*[(o.__name__,) for o in (launcher_killed, launcher_told, one_killed, one_told, all_killed, one_stopped)]):
            out = d/what
            r = Launched(out)
            r.waited = None
            r.until_steps(6)
            begin = time.time()
            globals()[what](r)
            seconds = r.ended()
            if seconds is None: [os.kill(o, signal.SIGKILL) for o in r.workers()]
            said = next((o.strip() for _,o in r.lines if re.search('no step has ended|has probably died|stopped after step', o)), '')
            code = r.p.returncode
            steps = read_state(out/'checkpoint.pt')['own']['steps']
            again = Launched(out, '--resume')
            again.ended()
            wrong = differing(d/'alone', out) if again.p.returncode==0 else ['exit code']
            if wrong: print(*[o for _,o in r.lines+again.lines], sep='')
            table.add(what=what, steps=steps, launcher_code=code, seconds_until_all_are_gone=seconds, seconds_until_it_says_so=r.waited, said=said[:160], continued=again.p.returncode, differing=' '.join(wrong))
    print(f"{sum(not o['differing'] for o in table.rows)} of {len(table.rows)} equal")
