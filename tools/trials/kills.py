"SIGKILL inside every kind of write, and at random moments, then `--resume`: every file of the folder must be that of a run that was left alone"
from forked import *

ORDER = 'write','replace','open','fsync'

if __name__=='__main__':
    with trials(__doc__, 'kills', 'variant','trial') as (table,d):
        for k,(name,flags) in enumerate(VARIANTS.items()):
            flags = *SMALL,*flags
            names,seconds = left_alone(d/name, *flags)
            kinds = sorted(set(names), key=lambda o: (ORDER.index(o.split(' ')[0]), o))
            rng = random.Random(name)
            moments = [rng.choice([i for i,o in enumerate(names, 1) if o==what]) for what in kinds[k::len(VARIANTS)]]+[rng.uniform(.05, .9) for _ in range(5)]
            print(f'{name}: {len(names)} writes of {len(kinds)} kinds in {seconds:.1f} s', flush=True)
            for _,i in table.missing(*[(name, i) for i in range(len(moments))]):
                n = moments[i]
                aimed = isinstance(n, int)
                row = cut_and_continued(d/name, d/'run', flags, writes=Writes(d/'run', n) if aimed else None, seconds=None if aimed else n*seconds)
                table.add(variant=name, trial=i, moment='write' if aimed else 'time', at=n if aimed else round(n*seconds, 3), what=names[n-1] if aimed else '', **row)
    print(f"{sum(not o['differing'] for o in table.rows)} of {len(table.rows)} equal, {sum(o['killed'] in (True,'True') for o in table.rows)} killed")
