"""Which small changes of the code do the tests of its notebook notice? Each mutant changes one operator, constant, comparison, condition or call in an exported cell, in a copy of the project: in the notebook, whose cells
define what its own tests use, and in the module, which other notebooks import. (mutmut and cosmic-ray change modules only, which a notebook that defines its own functions never looks at.) Mutants are drawn by a seed, rows are added to
`results/reliability_mutants.csv`, and what has a row is not run again, so that the trial can be stopped and continued: `python mutants.py --each 20 --minutes 30`, and `--again` runs survivors once more."""
import argparse,ast,copy,csv,hashlib,tempfile,time
from collections import Counter
from cells import *

MODULES = dict(losses=['10_losses','71_refused'], selection=['11_selection'], fused=['12_fused'], optimum=['02_optimum'], callbacks=['40_callbacks','71_refused'], checkpoint=['42_checkpoint'])
TABLE = ROOT/'results'/'reliability_mutants.csv'
COLUMNS = 'mutant module line function change killed by seconds note'.split()

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift}
COMPARISONS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
NAMES = dict(max='min', min='max', any='all', all='any', amax='amin', amin='amax', floor='ceil', sum='mean', mean='sum', ones='zeros', zeros='ones')
EQUIVALENT = { # number of a mutant -> why no test can notice it
    '65f4c643': 'a flag about gradients of the weights, which nobody asks for',
    '691bdf0b': 'what is taken at exactly so many pairs gives the same numbers: a matter of speed',
    'e8753f12': 'up to which size one tile is taken: a matter of speed',
    '9c52a8b6': "a slope that steers Newton's method, whose bracket finds the root anyway"}

def texts(o): return isinstance(o, ast.JoinedStr) or isinstance(o, ast.Constant) and isinstance(o.value, str)

def variants(
    node, # Of a syntax tree
):        # Nodes to put in its place
    "What can be changed at one place"
    def with_(**kw):
        new = copy.deepcopy(node)
        for k,v in kw.items(): setattr(new, k, v)
        return new
    if isinstance(node, ast.Compare):
        for i,o in enumerate(node.ops): yield with_(ops=[COMPARISONS[type(p)]() if j==i else p for j,p in enumerate(node.ops)])
    if isinstance(node, ast.BoolOp): yield with_(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS and not (texts(node.left) or texts(node.right)): yield with_(op=OPERATORS[type(node.op)]())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not,ast.USub)): yield node.operand
    if isinstance(node, ast.Constant):
        v = node.value
        if isinstance(v, bool): yield ast.Constant(not v)
        elif isinstance(v, int): yield ast.Constant(v+1)
        elif isinstance(v, float): yield ast.Constant(2*v if v else 1.)
    if isinstance(node, ast.IfExp): yield with_(test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.Call):
        f = node.func
        if isinstance(f, ast.Name) and f.id in NAMES: yield with_(func=ast.Name(NAMES[f.id]))
        if isinstance(f, ast.Attribute) and f.attr in NAMES: yield with_(func=ast.Attribute(f.value, NAMES[f.attr]))

def places(tree):
    "Nodes that may change, each with the function around it; no texts, annotations, decorators, drawings and messages"
    def visit(node, inside):
        if isinstance(node, (ast.FunctionDef,ast.ClassDef)):
            if node.name.startswith('plot_') or node.name in ('__repr__','extra_repr'): return
            inside = f'{inside}.{node.name}' if inside and isinstance(node, ast.FunctionDef) else node.name
        if isinstance(node, (ast.Raise,ast.JoinedStr,ast.Import,ast.ImportFrom)): return
        if isinstance(node, (ast.If,ast.While)) or isinstance(node, ast.comprehension): pass
        yield node,inside
        for name,value in ast.iter_fields(node):
            if name in ('annotation','returns','decorator_list'): continue
            for o in value if isinstance(value, list) else [value]:
                if isinstance(o, ast.AST): yield from visit(o, inside)
    yield from visit(tree, '')

def mutants_of(
    module, # Name of a module
    nb,     # Path of its notebook
):          # Dicts: number, function, change, line, id of the cell, mutated source
    "All mutants of a module; the change is shown in brackets, with what stands beside it on its line"
    seen,text_of = Counter(),(ROOT/'sigmoid_cl'/f'{module}.py').read_text()
    for id,source in export_cells(nb):
        first = section(text_of, id)[0]+1-(len(source.splitlines())-len(body(source).splitlines()))
        raw,starts = source.encode(),[0]
        for o in raw.splitlines(keepends=True): starts.append(starts[-1]+len(o))
        def make(node, new, inside):
            a,b = starts[node.lineno-1]+node.col_offset,starts[node.end_lineno-1]+node.end_col_offset
            old,text = raw[a:b].decode(),new if isinstance(new, str) else ast.unparse(ast.fix_missing_locations(new))
            key = module,inside,old,text
            seen[key] += 1
            number = hashlib.blake2b(repr((*key, seen[key])).encode(), digest_size=4).hexdigest()
            short = lambda s: ' '.join(s.split()) if len(s)<90 else ' '.join(s.split())[:87]+'...'
            left,right = raw[starts[node.lineno-1]:a].decode().lstrip()[-24:],raw[b:].decode().partition('\n')[0][:24]
            mutated = (raw[:a] + (text if new=='None' else f'({text})').encode() + raw[b:]).decode()
            return dict(mutant=number, module=module, function=inside, change=f'{left}[{short(old)} -> {short(text)}]{right}', line=first+node.lineno-1, cell=id, source=mutated, original=source)
        for node,inside in places(ast.parse(source)):
            for new in variants(node): yield make(node, new, inside)
            if isinstance(node, (ast.If,ast.While)): yield make(node.test, ast.UnaryOp(ast.Not(), node.test), inside)
            if isinstance(node, ast.comprehension):
                for o in node.ifs: yield make(o, ast.UnaryOp(ast.Not(), o), inside)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call): yield make(node, 'None', inside)

def compiles(m):
    try: compile(m['source'], 'mutant', 'exec')
    except (SyntaxError,ValueError): return False
    return True

def drawn(
    module,
    seed, # Decides the order
):        # Mutants in the order in which they are tried
    "Mutants in a random order that does not depend on other places of the module"
    order = lambda m: hashlib.blake2b(f"{seed} {m['mutant']}".encode()).digest()
    return sorted(filter(compiles, mutants_of(module, notebook(ROOT, MODULES[module][0]))), key=order)

def notebook(root, name): return Path(root)/'nbs'/f'{name}.ipynb'

def tried(
    m,      # From `drawn`
    root,   # Copy of the project
    limits, # Seconds for each notebook
):          # The row
    "Run the notebooks of a module with one change in it"
    path = Path(root)/'sigmoid_cl'/f"{m['module']}.py"
    text = path.read_text()
    first,lines = section(text, m['cell'])
    assert body(m['original'])=='\n'.join(lines).strip('\n'), f"{m['module']}: {m['cell']} is not exported"
    path.write_text('\n'.join([*text.splitlines()[:first], body(m['source']), '', *text.splitlines()[first+len(lines):]])+'\n')
    spent,by = 0,''
    try:
        for name in MODULES[m['module']]:
            why,used = run_cells(notebook(root, name), root, seconds=limits[name], change=lambda id,source: m['source'] if id==m['cell'] else source)
            spent += used
            if why: by = f'{name} {why}'; break
    finally: path.write_text(text)
    return dict({k: m[k] for k in ('mutant','module','function','change','line')}, killed=bool(by), by=by, seconds=round(spent, 1), note='' if by else EQUIVALENT.get(m['mutant'], ''))

def stored():
    if not TABLE.is_file(): return []
    with open(TABLE, newline='') as f: return list(csv.DictReader(f))

def store(rows):
    rows = sorted(rows, key=lambda o: (list(MODULES).index(o['module']), int(o['line']), o['mutant']))
    with open(TABLE, 'w', newline='') as f:
        out = csv.DictWriter(f, COLUMNS, lineterminator='\n')
        out.writeheader(), out.writerows(rows)

if __name__=='__main__':
    p = argparse.ArgumentParser()
    p.add_argument('--each', type=int, default=20, help='mutants of each module')
    p.add_argument('--minutes', type=float, default=60)
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--modules', nargs='+', default=list(MODULES), choices=list(MODULES))
    p.add_argument('--again', action='store_true', help='only survivors that are not explained, once more')
    o = p.parse_args()
    begin = time.monotonic()
    preload()
    rows = {r['mutant']: r for r in stored()}
    every = {m: drawn(m, o.seed) for m in MODULES}
    there = {x['mutant']: {k: x[k] for k in ('change','line')} for ms in every.values() for x in ms}
    rows = {k: r | there[k] | dict(note='' if r['killed']=='True' else EQUIVALENT.get(k, '')) for k,r in rows.items() if k in there} # others are of code that is gone
    if o.again: todo = [m for k in o.modules for m in every[k] if m['mutant'] in rows and rows[m['mutant']]['killed']=='False' and not rows[m['mutant']]['note']]
    else: todo = [m for ms in zip(*[(every[k]+[None]*o.each)[:o.each] for k in o.modules]) for m in ms if m and m['mutant'] not in rows]
    print(f"{len(todo)} mutants to try, {len(rows)} have a row, {dict((k, len(v)) for k,v in every.items())} in all", flush=True)
    limits = {}
    with tempfile.TemporaryDirectory() as d:
        root = copied(Path(d)/'project')
        for m in todo:
            if time.monotonic()-begin>60*o.minutes: break
            for name in MODULES[m['module']]:
                if name in limits: continue
                why,used = run_cells(notebook(root, name), root)
                print(f'{name}: {used:.0f} s unchanged', flush=True)
                if why: raise SystemExit(f'{name} fails without a change: {why}')
                limits[name] = max(20, round(4*used))
            r = rows[m['mutant']] = tried(m, root, limits)
            print(f"{r['module']} {r['line']} {r['function']}: {r['change']}: {'killed by '+r['by'] if r['killed'] else 'SURVIVED'} ({r['seconds']} s)", flush=True)
            store([*rows.values()])
    store([*rows.values()])
    for k in MODULES:
        ours = [r for r in rows.values() if r['module']==k]
        print(f"{k}: {sum(str(r['killed'])=='True' for r in ours)} of {len(ours)} killed")
