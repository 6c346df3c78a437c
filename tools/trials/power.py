"""A power cut: what was not forced to the disk is gone. The run is stopped at a write, and its folder made again from what is certain: the bytes of each file at its last
`fsync`, under the names that the folder had at its own (`names lost`), or under the names of the moment (`names kept`), where a file that was never forced is empty."""
import argparse
from forked import *

def after_cut(out, disk, kept):
    "Replace a folder by what survives"
    folder = disk/f'{out.stat().st_ino}.names'
    names = {o.name: o.stat().st_ino for o in out.iterdir() if o.is_file()} if kept else json.loads(folder.read_text()) if folder.exists() else {}
    safe = {k: (disk/f'{i}.bytes').read_bytes() if (disk/f'{i}.bytes').exists() else b'' for k,i in names.items()}
    for o in out.iterdir(): o.unlink()
    for k,v in safe.items(): (out/k).write_bytes(v)

def trial(flags, reference, n, kept, d):
    "A run that loses power at write `n`, and is continued"
    out,disk,said = d/'run',d/'disk',d/'said.txt'
    for o in (out, disk): shutil.rmtree(o, ignore_errors=True)
    disk.mkdir()
    said.unlink(missing_ok=True)
    argv = '--out',out,*SMALL,*flags
    code = wait(start(cli.scl_train, *argv, writes=Writes(out, n, disk), said=said))
    after_cut(out, disk, kept)
    resume = any((out/o).exists() for o in ('config.json','checkpoint.pt','checkpoint_before.pt'))
    again = wait(start(cli.scl_train, *argv, *['--resume']*resume, said=said))
    wrong = differing(reference, out) if not again else ['exit code']
    return dict(at=n, names='kept' if kept else 'lost', killed=code==-9, resumed=resume, code=again, differing=' '.join(wrong)),said

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--cuts', type=int, default=20)
    p.add_argument('--results', type=Path, default=RESULTS/'reliability_power.csv')
    args = p.parse_args()
    random.seed(1)
    rows = []
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        said = d/'all.txt'
        assert wait(start(cli.scl_train, '--out', d/'all', *SMALL, writes=Writes(d/'all'), said=said))==0, said.read_text()
        names = [o for o in said.read_text().splitlines() if o.split(' ')[0] in ('open','write','fsync','replace') and len(o.split(' '))==2]
        for i,n in enumerate(sorted(random.sample(range(1, len(names)+1), args.cuts))):
            row,heard = trial((), d/'all', n, i%2==0, d)
            rows.append(row | dict(what=names[n-1]))
            store(rows, args.results)
            print(rows[-1], flush=True)
            if row['differing']: print(heard.read_text()[-2000:])
    store(rows, args.results)
    print(f"{sum(not o['differing'] for o in rows)} of {len(rows)} equal")
