"SIGKILL inside every kind of write, and at random moments, then `--resume`: every file of the folder must be that of a run that was left alone"
from forked import *

ORDER = 'write','replace','open','fsync'

def moments(name, names, seconds, k):
    "When to kill: at the variant's share of all kinds of write, and at five random times"
    rng,kinds = random.Random(name),sorted(set(names), key=lambda o: (ORDER.index(o.split(' ')[0]), o))
    return [rng.choice([i for i,o in enumerate(names, 1) if o==what]) for what in kinds[k::len(VARIANTS)]]+[rng.uniform(.05, .9)*seconds for _ in range(5)]

if __name__=='__main__':
    with trials(__doc__, 'kills', 'variant','trial') as (table,d):
        plan,names = {},{}
        for k,(name,flags) in enumerate(VARIANTS.items()):
            names[name],seconds = left_alone(d/name, *SMALL, *flags)
            plan |= {(name, i): n for i,n in enumerate(moments(name, names[name], seconds, k))}
            print(f'{name}: {len(names[name])} writes of {len(set(names[name]))} kinds in {seconds:.1f} s', flush=True)
        for name,i in table.missing(*sorted(plan, key=lambda o: o[1])):
            n = plan[name,i]
            aimed = isinstance(n, int)
            row = cut_and_continued(d/name, d/'run', (*SMALL, *VARIANTS[name]), writes=Writes(d/'run', n) if aimed else None, seconds=None if aimed else n)
            table.add(variant=name, trial=i, moment='write' if aimed else 'time', at=n if aimed else round(n, 3), what=names[name][n-1] if aimed else '', **row)
    print(f"{sum(not o['differing'] for o in table.rows)} of {len(table.rows)} equal, {sum(o['killed'] in (True,'True') for o in table.rows)} killed")
