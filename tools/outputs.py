"""Fail when a notebook would show a reader what only its writer should see: a warning, a traceback, a path of somebody's machine, a figure cell with a second
output, a figure that nobody can hear described; or when a long cell does not say how long it takes, or needs a variable that a reader does not have.

`--small` writes pictures of saved outputs with a palette of 256 colours, where that is smaller."""
import base64,io,json,re
from pathlib import Path

from fastcore.script import call_parse

root = Path(__file__).resolve().parent.parent
machine = re.compile(r'/(?:home|root|Users|work|tmp)/|[A-Z]:\\\\Users')
limit = 400_000 # bytes of a notebook beyond which it is named

def of_output(o):
    "What is wrong with a saved output, or None"
    text = json.dumps({k: v for k,v in o.get('data', {}).items() if not k.startswith('image/')}) + ''.join(o.get('text', ''))
    return 'an error' if o['output_type']=='error' else 'a warning' if o.get('name')=='stderr' else 'a path of a machine' if machine.search(text) else 'a progress bar as text' if '\u2588' in text else None

_re_time = re.compile(r'\b(seconds?|minutes?|hours?)\b')

def of_cell(
    c,          # A code cell
    section='', # The prose above it, from the last heading on
)->list:        # What is wrong with it and its outputs
    "What a reader should not meet in a cell"
    src = ''.join(c['source'])
    flags = [l[2:].strip() for l in src.splitlines() if l.startswith('#|')]
    shown = [o for o in c['outputs'] if o['output_type'] in ('display_data','execute_result')]
    res = [o for o in map(of_output, c['outputs']) if o]
    if any(re.match('label: *fig-', f) for f in flags):
        if len(shown)!=1: res.append(f'a figure cell with {len(shown)} outputs (end its last line with `;`)' if shown else 'a figure cell without a saved picture')
        if not any(f.startswith('fig-alt:') for f in flags): res.append('a figure without `fig-alt`')
    if {'slow','cuda','data'} & set(flags):
        if re.search(r'environ\[', src): res.append('a cell that a variable of the environment is needed for: use `os.environ.get` and say what is skipped')
        if 'slow' in flags and not _re_time.search(section+'\n'.join(re.findall('^#(?!\\|).*$', src, re.M))): res.append('a slow cell that does not say how long it takes')
        if re.search(r"open\([^)]*results/[^)]*'w'", src): res.append('a long cell that writes into results/ untold: write to the folder SCL_RESULTS or a temporary one')
    return res

def problems(
    path, # A notebook
)->list:  # One line for each
    "What a reader should not see"
    res,section = [],''
    for c in json.loads(path.read_text(encoding='utf-8'))['cells']:
        if c['cell_type']=='code': res += [f"{path.relative_to(root)}, cell {c.get('id')}: {o}" for o in of_cell(c, section)]
        else: section = ''.join(c['source']) if re.search(r'^#+ ', ''.join(c['source']), re.M) else section+''.join(c['source'])
    return res

def shrink(
    path, # A notebook
)->int:   # Bytes saved
    "Write the pictures of a notebook with a palette"
    from PIL import Image
    nb,saved = json.loads(path.read_text(encoding='utf-8')),0
    for o in (o for c in nb['cells'] for o in c.get('outputs', [])):
        if not (old := o.get('data', {}).get('image/png')): continue
        old,out = ''.join(old),io.BytesIO()
        img = Image.open(io.BytesIO(base64.b64decode(old)))
        if img.mode=='P': continue
        if img.mode=='RGBA': img = Image.alpha_composite(Image.new('RGBA', img.size, 'white'), img)
        img.convert('RGB').quantize(256).save(out, 'PNG', optimize=True)
        new = base64.b64encode(out.getvalue()).decode()
        if len(new)<len(old): o['data']['image/png'],saved = new,saved+len(old)-len(new)
    if saved: path.write_text(json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True)+'\n', encoding='utf-8')
    return saved

@call_parse
def main(
    fname:str='',       # One notebook, instead of all
    small:bool=False,   # Write pictures with a palette, instead of checking
):
    "Check the saved outputs of the notebooks, or shrink their pictures"
    every = [p for p in sorted((root/'nbs').rglob('*.ipynb')) if not any(o.startswith(('.','_')) for o in p.relative_to(root).parts)]
    notebooks = [Path(fname).resolve()] if fname else every
    if small: return print(f'{sum(map(shrink, notebooks))/1e6:.1f} MB less')
    found = [o for p in notebooks for o in problems(p)]
    print(*found, sep='\n')
    for p in notebooks:
        if p.stat().st_size>limit: print(f'note: {p.relative_to(root)} has {p.stat().st_size/1e3:.0f} kB; `python tools/outputs.py --small --fname {p.relative_to(root)}` makes its pictures smaller')
    print(f"{len(notebooks)} notebooks, {len(found)} problem(s) in saved outputs")
    raise SystemExit(bool(found))
