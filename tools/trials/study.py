"A study worked on by four processes that are killed at random and started again: its tables must be those of one process that was left alone"
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

def killed_and_replaced(d, name, count, rng):
    "Four processes on one study; each that ends, by its own hand in the middle of a write to the tables or by another's at any moment, is replaced until there were `count` kills"
    def work(last=False):
        aimed = not last and rng.random()<.5
        return start(cli.scl_study, d/'t.toml', '--out', d/f'{name}_runs', '--results', d/name, writes=Writes(d/name, rng.randint(1, 25)) if aimed else None, said=d/f'{name}.txt')
    def rows(): return len(tables(d/name)['']) if all((beside(d/name/'t.csv', k) if k else d/name/'t.csv').exists() for k in ('','curves','pairs')) else 0
    alive,kills,moment = [work() for _ in range(4)],0,time.time()+rng.uniform(.5, 4)
    while kills<count and rows()<8:
        for pid in list(alive):
            if time.time()>moment and pid==alive[0]: os.kill(pid, signal.SIGKILL); moment = time.time()+rng.uniform(.5, 4)
            if not os.waitid(os.P_PID, pid, os.WEXITED|os.WNOHANG|os.WNOWAIT): continue
            kills += wait(pid)==-9
            alive.remove(pid)
            alive.append(work())
        time.sleep(.05)
    done = rows()
    codes = [wait(o) for o in alive]
    kills += codes.count(-9)
    codes = [o for o in codes if o!=-9]+[wait(work(last=True))]
    return dict(kills=kills, runs_done=done, codes=' '.join(map(str, sorted(set(codes)))))

if __name__=='__main__':
    with trials(__doc__, 'study', 'trial') as (table,d):
        (d/'t.toml').write_text(STUDY)
        assert wait(start(cli.scl_study, d/'t.toml', '--out', d/'one_runs', '--results', d/'one', said=d/'one.txt'))==0, (d/'one.txt').read_text()
        one = tables(d/'one')
        for i, in table.missing(*[(i,) for i in range(4)]):
            row = killed_and_replaced(d, f'four{i}', 8, random.Random(i))
            four,left = tables(d/f'four{i}'),sorted((d/f'four{i}_runs').rglob('checkpoint*'))
            if row['codes']!='0' or one!=four: print((d/f'four{i}.txt').read_text()[-3000:])
            table.add(trial=i, **row, rows=len(four['']), rows_equal=one['']==four[''] and one['curves']==four['curves'], pairs=len(one['pairs']),
                      pairs_differing=sum(a!=b for a,b in zip(one['pairs'], four['pairs']))+abs(len(one['pairs'])-len(four['pairs'])), checkpoints_left=len(left))
    print(f"{sum(int(o['kills']) for o in table.rows)} kills in {len(table.rows)} studies")
