"Write `README.md` from `nbs/index.ipynb`, or check that the two agree."
import base64,re,sys
from pathlib import Path

import yaml
from fastcore.script import call_parse
from nbdev.config import get_config
from nbdev.doclinks import NbdevLookup
from nbdev.process import NBProcessor
from nbdev.processors import (FilterDefaults, FrontmatterProc, add_links, add_show_docs, exec_show_docs, insert_warning,
                              populate_language)
from nbdev.readme_filter import doc_link

sys.path.insert(0, str(Path(__file__).parent))
from pages import single_links

header = "<!-- Written by tools/readme.py from {}: edit the notebook, not this file -->"
images = {'image/png':'png', 'image/svg+xml':'svg', 'image/jpeg':'jpg'}
badges = """[![tests]({git}/actions/workflows/test.yml/badge.svg)]({git}/actions/workflows/test.yml) [![site](https://img.shields.io/badge/site-documentation-2161b0)]({site})
![Python 3.11 or later](https://img.shields.io/badge/python-3.11%20or%20later-2161b0) [![Apache 2.0](https://img.shields.io/badge/licence-Apache%202.0-2161b0)](LICENSE)"""
_re_link = re.compile(r'(?<=\]\()([^)\s]+)(?=[)\s])')
_re_fence = re.compile(r'^(```.*?^```)$', re.M|re.S)

def processed(
    path, # A notebook
):        # The notebook as the site shows it: front matter read, hidden and exported cells gone, directives off the source
    "`path` after nbdev's own processors, without those that run code"
    skip = add_links,add_show_docs,exec_show_docs,insert_warning
    proc = NBProcessor(path, procs=[o for o in FilterDefaults().base_procs() if o not in skip])
    proc.process()
    return proc.nb

def to_site(
    text:str, # Markdown
    cfg,      # nbdev's configuration
)->str:       # The same
    "Relative links lead to the site; code blocks stay as they are"
    link = lambda m: doc_link(m[0], cfg.doc_url)
    return ''.join(o if i%2 else _re_link.sub(link, o) for i,o in enumerate(_re_fence.split(text))).strip()

def prose(
    src:str, # Markdown of one cell
    cfg,     # nbdev's configuration
)->str:      # The same, fit for a file that stands outside the site
    "Names in backticks and relative links lead to the site; code blocks stay as they are"
    return to_site(single_links(NbdevLookup(incl_libs=cfg.lib_name).linkify(src)), cfg)

def output(
    out,       # One output of a code cell
    name:str,  # File name for a picture, without its ending
    alt:str,   # Alternative text of a picture
    files:dict, # Receives the picture's bytes
    cfg,       # nbdev's configuration
)->str:        # Markdown
    "An output as text, as Markdown, or as a link to a picture beside the README"
    text = lambda o: ''.join(o) if isinstance(o, list) else o
    block = lambda o: f'```\n{text(o).rstrip()}\n```'
    if out['output_type']=='error': raise ValueError(f"a cell ended in {out['ename']}: {out['evalue']}")
    if out['output_type']=='stream': return block(out['text']) if out['name']=='stdout' else ''
    data = out['data']
    if 'text/markdown' in data: return to_site(text(data['text/markdown']), cfg)
    for mime,ext in images.items():
        if mime in data:
            v = text(data[mime])
            files[f := f'index_files/{name}.{ext}'] = v.encode() if ext=='svg' else base64.b64decode(v)
            return f'![{alt}]({f})'
    return block(data['text/plain'])

def render(
    path, # The notebook
    cfg,  # nbdev's configuration
)->tuple: # The README's text, and the pictures' bytes by path
    "The README that belongs to a notebook"
    parts,files = [header.format(path.relative_to(cfg.config_path).as_posix())],{}
    for i,c in enumerate(processed(path).cells):
        if c.cell_type=='raw':
            fm = yaml.safe_load(c.source.strip().strip('-'))
            parts += [f"# {fm['title']}", badges.format(git=cfg.git_url, site=f'{cfg.doc_host}{cfg.doc_baseurl}/'), f"> {fm['description']}"]
        elif c.cell_type=='markdown': parts.append(prose(c.source, cfg))
        else:
            opt = {k:yaml.safe_load(v) if v else True for k,v in c.directives_.items()}
            if opt.get('include') is False: continue
            if opt.get('echo') is not False and c.source.strip(): parts.append(f'``` python\n{c.source.strip()}\n```')
            if opt.get('output') is False: continue
            parts += [output(o, opt.get('label', f'cell-{i}'), opt.get('fig-alt', ''), files, cfg) for o in c.outputs]
            if 'fig-cap' in opt: parts.append(f"*{opt['fig-cap']}*")
    return '\n\n'.join(o for o in parts if o)+'\n',files

def commands(
    text:str, # A README
)->list:      # Its set-up commands, in order
    "The lines of the shell blocks that install the package"
    blocks = re.findall(r'^```\s*(?:sh|bash)\n(.*?)^```', text, re.M|re.S)
    return [l for b in blocks for l in b.splitlines() if l.startswith('pip install')]

@call_parse
def main(
    check:bool=False, # Write nothing; fail when README and notebook disagree
    command:int=None, # Only print this set-up command of the README, counted from 1
):
    "Write `README.md` from `nbs/index.ipynb`, or check that the two agree"
    cfg = get_config(Path(__file__).parent)
    root = cfg.config_path
    readme = root/'README.md'
    if command: return print(commands(readme.read_text(encoding='utf-8'))[command-1])
    text,files = render(cfg.nbs_path/cfg.readme_nb, cfg)
    if (n := len(commands(text)))!=2: raise SystemExit(f"the README needs exactly two set-up commands, `pip install ...`; it has {n}")
    files['README.md'] = text.encode()
    stale = [f for f,b in files.items() if not (root/f).exists() or (root/f).read_bytes()!=b]
    extra = [f for f in (root/'index_files').glob('*') if f.relative_to(root).as_posix() not in files]
    if check:
        if stale or extra: raise SystemExit(f"out of step with {cfg.readme_nb}: {', '.join(stale+[o.name for o in extra])}; run tools/readme.py")
        return print("README agrees with the notebook")
    for f in extra: f.unlink()
    for f in stale:
        (root/f).parent.mkdir(exist_ok=True)
        (root/f).write_bytes(files[f])
    print(f"wrote {', '.join(stale) or 'nothing: all up to date'}")
