"""Fail when a notebook would show a reader what only its writer should see: a warning, a traceback, a path of somebody's machine, a figure cell with a second
output, a figure that nobody can hear described, more than 400 kB; or when a long cell does not say how long it takes, or needs a variable that a reader does not have.

`--small` writes pictures of saved outputs with a palette, where that is smaller."""
import base64,io,json,re
from pathlib import Path

from fastcore.script import call_parse

root = Path(__file__).resolve().parent.parent
machine = re.compile(r'/(?:home|root|Users|work|tmp)/|[A-Z]:\\\\Users')
limit = 400_000 # bytes of a notebook

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

def few_colours(
    img, # Picture, RGB
):       # Picture with a palette
    "The smallest palette that keeps nearly every pixel: anti-aliased lines need some dozen colours, photographs 256"
    from PIL import ImageChops
    for n in (32, 64, 128, 256):
        small = img.quantize(n)
        off = ImageChops.difference(img, small.convert('RGB')).convert('L').histogram()
        if n==256 or (sum(off[9:])<.01*img.width*img.height and not sum(off[33:])): return small # few pixels off by more than 8 levels, none by more than 32

def smaller(
    data:str, # A PNG in base64
)->str:       # The same picture in fewer bytes, or the same text
    "A picture with a palette"
    from PIL import Image
    img,out = Image.open(io.BytesIO(base64.b64decode(data))),io.BytesIO()
    if img.mode=='P' and img.getcolors() and len(img.getcolors())<=64: return data
    if img.mode=='RGBA': img = Image.alpha_composite(Image.new('RGBA', img.size, 'white'), img)
    few_colours(img.convert('RGB')).save(out, 'PNG', optimize=True)
    new = base64.b64encode(out.getvalue()).decode()
    return new if len(new)<.95*len(data) else data

_re_frame = re.compile(r'(?<=data:image/png;base64,)[\w+/=\\\s]+')

def shrink(
    path, # A notebook
)->int:   # Bytes saved
    "Write the pictures of a notebook, and the frames of its animations, with a palette"
    old = path.read_text(encoding='utf-8')
    nb = json.loads(old)
    for o in (o for c in nb['cells'] for o in c.get('outputs', [])):
        data = o.get('data', {})
        if 'image/png' in data: data['image/png'] = smaller(''.join(data['image/png']).strip())
        if 'base64,' in (page := ''.join(data.get('text/html', ''))):
            new = _re_frame.sub(lambda m: smaller(re.sub(r'[\\\s]', '', m[0])), page)
            if new!=page: data['text/html'] = new.splitlines(keepends=True)
    new = json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True)+'\n'
    if len(new)<len(old): path.write_text(new, encoding='utf-8')
    return max(0, len(old)-len(new))

def too_large(
    path, # A notebook
)->list:  # One line, or none
    "A notebook that is slow to open and to look at in a pull request"
    size,name = path.stat().st_size,path.relative_to(root)
    return [f'{name} has {size/1e3:.0f} kB, more than {limit/1e3:.0f}; `python tools/outputs.py --small --fname {name}` makes its pictures smaller'] if size>limit else []

@call_parse
def main(
    fname:str='',       # One notebook, instead of all
    small:bool=False,   # Write pictures with a palette, instead of checking
):
    "Check the saved outputs of the notebooks, or shrink their pictures"
    every = [p for p in sorted((root/'nbs').rglob('*.ipynb')) if not any(o.startswith(('.','_')) for o in p.relative_to(root).parts)]
    notebooks = [Path(fname).resolve()] if fname else every
    if small: return print(f'{sum(map(shrink, notebooks))/1e6:.1f} MB less')
    found = [o for p in notebooks for o in problems(p)+too_large(p)]
    print(*found, sep='\n')
    print(f"{len(notebooks)} notebooks, {len(found)} problem(s) in saved outputs")
    raise SystemExit(bool(found))
