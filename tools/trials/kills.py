"SIGKILL at random moments and inside every kind of write, then `--resume`: every file of the folder must be that of a run that was left alone"
import argparse
from forked import *

def trial(name, flags, reference, n, d):
    "One run that is cut at write `n`, or after `n` seconds, and continued until it is done"
    out,said = d/'run',d/'said.txt'
    shutil.rmtree(out, ignore_errors=True)
    said.unlink(missing_ok=True)
    argv,kills = ('--out', out, *SMALL, *flags),0
    writes = Writes(out, n) if isinstance(n, int) else None
    pid = start(cli.scl_train, *argv, writes=writes, said=said)
    if writes is None:
        time.sleep(n)
        try: os.kill(pid, signal.SIGKILL)
        except ProcessLookupError: pass
    code = wait(pid)
    resume = any((out/o).exists() for o in ('config.json','checkpoint.pt','checkpoint_before.pt'))
    again = wait(start(cli.scl_train, *argv, *['--resume']*resume, said=said))
    wrong = differing(reference, out) if not again else ['exit code']
    return dict(variant=name, moment='write' if writes else 'time', at=n if writes else round(n, 3), killed=code==-9, resumed=resume, code=again, differing=' '.join(wrong)),said

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--kills', type=int, default=60)
    p.add_argument('--results', type=Path, default=RESULTS/'reliability_kills.csv')
    args = p.parse_args()
    random.seed(0)
    rows,each = [],-(-args.kills//(2*len(VARIANTS)))
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        for name,flags in VARIANTS.items():
            begin,said = time.time(),d/f'{name}.txt'
            assert wait(start(cli.scl_train, '--out', d/name, *SMALL, *flags, writes=Writes(d/name), said=said))==0, said.read_text()
            seconds = time.time()-begin
            names = [o for o in said.read_text().splitlines() if o.split(' ')[0] in ('open','write','fsync','replace') and len(o.split(' '))==2]
            print(f'{name}: {len(names)} writes in {seconds:.1f} s', flush=True)
            aimed = random.sample(range(1, len(names)+1), each)
            for n in [*aimed, *[random.uniform(0, seconds) for _ in range(each)]]:
                row,heard = trial(name, flags, d/name, n, d)
                row['what'] = names[n-1] if isinstance(n, int) else ''
                rows.append(row)
                store(rows, args.results)
                print(row, flush=True)
                if row['differing']: print(heard.read_text()[-3000:])
    store(rows, args.results)
    print(f"{sum(not o['differing'] for o in rows)} of {len(rows)} equal, {sum(o['killed'] for o in rows)} killed")
