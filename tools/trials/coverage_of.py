"""Which lines of the exported modules do the notebooks reach? Exported cells are run as what they are in the module, the same lines of the same file, so that coverage.py counts a function whether its own notebook or another calls it.
What forked workers, launched processes and GPUs do is not seen. `python coverage_of.py --data DIR` keeps what each notebook reached in DIR and runs those that have nothing there; `--again 71_refused` runs one once more.
Writes `results/reliability_coverage.csv`."""
import argparse,csv,tempfile
from cells import *

TABLE = ROOT/'results'/'reliability_coverage.csv'

def as_module(root, nb):
    "Maps a cell to one that runs its place in the module"
    from fastcore.nbio import read_nb
    name = next((c.source.partition('default_exp')[2].split()[0] for c in read_nb(nb).cells if c.source.startswith('#| default_exp')), None)
    if name is None: return None
    path,mine = Path(root)/'sigmoid_cl'/f'{name}.py',dict(export_cells(nb))
    text = path.read_text()
    def change(id, source):
        if id not in mine: return source
        first,lines = section(text, id)
        assert body(source)=='\n'.join(lines).strip('\n'), f'{name}: {id} is not exported'
        code = '\n'*first + '\n'.join(re.sub(r'^from \.(\w* ?import)', lambda m: 'from sigmoid_cl'+('.' if m[1][0]!=' ' else '')+m[1], o) for o in lines)
        return f'exec(compile({code!r}, {str(path)!r}, "exec"), globals())'
    return change

def counting(root, data):
    "Begin to count lines in this process; returns what ends it"
    def begin():
        import coverage
        cov = coverage.Coverage(data_file=str(data), include=[f'{root}/sigmoid_cl/*'], config_file=False, messages=False)
        cov.start()
        def end(): cov.stop(), cov.save()
        return end
    return begin

def ranges(lines):
    "Whole numbers as text: 3-5 9"
    out = []
    for i in lines:
        if out and out[-1][1]==i-1: out[-1][1] = i
        else: out.append([i, i])
    return ' '.join(str(a) if a==b else f'{a}-{b}' for a,b in out)

def counted(root, data):
    "A row for each module"
    import coverage
    cov = coverage.Coverage(data_file=str(data/'all'), include=[f'{root}/sigmoid_cl/*'], config_file=False, messages=False)
    cov.combine([str(o) for o in data.glob('nb.*')], keep=True)
    rows = []
    for path in sorted((root/'sigmoid_cl').glob('*.py')):
        if path.stem in ('__init__','_modidx'): continue
        _,lines,_,missed,_ = cov.analysis2(str(path))
        rows.append(dict(module=path.stem, lines=len(lines), reached=len(lines)-len(missed), missed=ranges(missed)))
    return rows

if __name__=='__main__':
    p = argparse.ArgumentParser()
    p.add_argument('--data', type=Path, required=True, help='folder for what each notebook reached')
    p.add_argument('--again', nargs='*', default=[], help='notebooks to run once more')
    p.add_argument('--count', action='store_true', help='run nothing, count what is there')
    o = p.parse_args()
    o.data.mkdir(parents=True, exist_ok=True)
    root = o.data/'project' # one place, since the data name it
    if not o.count:
        shutil.rmtree(root, ignore_errors=True)
        copied(root)
        preload()
    for nb in [] if o.count else sorted((root/'nbs').glob('[0-9]*.ipynb')):
        data = o.data/f'nb.{nb.stem}'
        if data.exists() and nb.stem not in o.again: continue
        data.unlink(missing_ok=True)
        why,used = run_cells(nb, root, change=as_module(root, nb), before=counting(root, data))
        print(f"{nb.stem}: {used:.0f} s{', '+why if why else ''}", flush=True)
        if why: data.unlink(missing_ok=True)
    rows = counted(root, o.data)
    with open(TABLE, 'w', newline='') as f:
        out = csv.DictWriter(f, rows[0].keys(), lineterminator='\n')
        out.writeheader(), out.writerows(rows)
    n,reached = (sum(r[k] for r in rows) for k in ('lines','reached'))
    for r in rows: print(f"{r['module']:<14} {r['reached']:>4} of {r['lines']:>4}  {r['missed'][:100]}")
    print(f'{reached/n:.1%} of {n} lines')
