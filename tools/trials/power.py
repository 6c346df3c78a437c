"""A power cut: what was not forced to the disk is gone. The run is stopped at a write, and its folder made again from what is certain: the bytes of each file at its last
`fsync`, under the names that the folder had at its own (`names lost`), or under the names of the moment (`names kept`), where a file that was never forced is empty."""
from forked import *

def after_cut(out, disk, kept):
    "Replace a folder by what survives"
    folder = disk/f'{out.stat().st_ino}.names'
    names = {o.name: o.stat().st_ino for o in out.iterdir() if o.is_file()} if kept else json.loads(folder.read_text()) if folder.exists() else {}
    safe = {k: (disk/f'{i}.bytes').read_bytes() if (disk/f'{i}.bytes').exists() else b'' for k,i in names.items()}
    for o in out.iterdir(): o.unlink()
    for k,v in safe.items(): (out/k).write_bytes(v)

if __name__=='__main__':
    with trials(__doc__, 'power', 'trial') as (table,d):
        names,_ = left_alone(d/'all', *SMALL)
        moments = sorted(random.Random(1).sample(range(1, len(names)+1), 12))
        for i, in table.missing(*[(i,) for i in range(len(moments))]):
            n,kept,out,disk = moments[i],i%2==0,d/'run',d/'disk'
            shutil.rmtree(disk, ignore_errors=True)
            disk.mkdir()
            row = cut_and_continued(d/'all', out, SMALL, writes=Writes(out, n, disk), between=lambda: after_cut(out, disk, kept))
            table.add(trial=i, at=n, what=names[n-1], names='kept' if kept else 'lost', **row)
    print(f"{sum(not o['differing'] for o in table.rows)} of {len(table.rows)} equal")
