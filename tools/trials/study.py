"A study worked on by four processes that are killed at random and started again: its tables must be those of one process that was left alone"
import argparse
from forked import *
from sigmoid_cl.study import beside

STUDY = '''
about = "A trial"
seeds = [0, 1]
[flags]
limit = 160
epochs = 3
n_local = 1
amp = "none"
probe_every = 1.0
save_minutes = 1e-9
[variants.scl]
gamma = 0.0
[variants.mscl]
gamma_end = 1.0
[axes]
bs = [32, 40]
'''
CLOCKS = 'seconds','cpu_seconds','images_per_second'

def tables(folder):
    "The tables of a study without what the clock says"
    def read(path):
        with open(path, newline='') as f: return [{k: v for k,v in o.items() if k not in CLOCKS} for o in csv.DictReader(f)]
    return {k: read(beside(folder/'t.csv', k) if k else folder/'t.csv') for k in ('','curves','pairs')}

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--kills', type=int, default=20)
    p.add_argument('--results', type=Path, default=RESULTS/'reliability_study.csv')
    args = p.parse_args()
    random.seed(2)
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        (d/'t.toml').write_text(STUDY)
        def work(name): return start(cli.scl_study, d/'t.toml', '--out', d/f'{name}_runs', '--results', d/name, said=d/f'{name}.txt')
        begin = time.time()
        assert wait(work('one'))==0, (d/'one.txt').read_text()
        seconds = time.time()-begin
        alive,rows,ended = [work('four') for _ in range(4)],[],[]
        while len(rows)<args.kills:
            time.sleep(random.uniform(0, seconds/8))
            victim = alive.pop(random.randrange(4))
            try: os.kill(victim, signal.SIGKILL)
            except ProcessLookupError: pass
            code = wait(victim)
            same = tables(d/'one')==(tables(d/'four') if (d/'four'/'t.csv').exists() else None)
            rows.append(dict(kill=len(rows)+1, seconds=round(time.time()-begin-seconds, 1), killed=code==-9, runs_done=len(tables(d/'four')['']) if (d/'four'/'t.csv').exists() else 0))
            print(rows[-1], flush=True)
            alive.append(work('four'))
            if same: break
        codes = [wait(o) for o in alive]+[wait(work('four'))]
        one,four = tables(d/'one'),tables(d/'four')
        left = sorted(o.name for o in (d/'four_runs').rglob('checkpoint*'))
        if any(codes) or one!=four: print((d/'four.txt').read_text()[-3000:])
    for o in rows: o |= dict(rows_equal=all(one[k]==four[k] for k in one), pairs_differing=sum(a!=b for a,b in zip(one['pairs'], four['pairs'])), checkpoints_left=len(left))
    store(rows, args.results)
    print(f"{sum(o['killed'] for o in rows)} kills, tables equal: {one==four}, {len(one['pairs'])} rows of pairs, codes {codes}, checkpoints left {left}")
