"What the site adds to the notebooks that nbdev prepared, and to the pages made from them: the same for Quarto and for smalldocs."
import ast,json,re
from pathlib import Path

from fastcore.nbio import mk_cell,read_nb,write_nb
from nbdev.processors import FilterDefaults,exec_show_docs

folded,drawn = ('papers','benchmarks'),('theory',) # pages that are read for their results: the code of an output is folded; or of a figure
kernel = '*In Jupyter the sliders and their picture appear here.*'
colab = 'https://colab.research.google.com/github/{}/blob/{}/nbs/{}'
_re_double = re.compile(r'\[((?:[^\[\]]|\[[^\[\]]*\]\([^()]*\))*?\[[^\[\]]*\]\([^()]*\)(?:[^\[\]]|\[[^\[\]]*\]\([^()]*\))*)\](?=\()')
_re_link = re.compile(r'\[([^\[\]]*)\]\([^()]*\)')
_kinds = r'(?:Theorem|Lemma|Proposition|Corollary|Conjecture|Definition)\b'
_re_statement,_re_named = re.compile(rf'(?:> ?)?\*\*{_kinds}'),re.compile(rf'#+ {_kinds}')

exports = {'export','exports','exporti','exec_doc'}

def mixed(
    cell, # A code cell
)->bool:  # Whether it imports something and does something else too
    "nbdev runs a cell that holds an import, to have the names that documentation needs; a lesson's cell that does more needs the lesson"
    trees = cell.parsed_() if cell.cell_type=='code' and not cell.directives_.keys() & exports else None
    imports = ast.Import,ast.ImportFrom
    return bool(trees) and any(isinstance(o, imports) for t in trees for o in ast.walk(t)) and not all(isinstance(t, imports) for t in trees)

class RunExports(exec_show_docs):
    "Run exported cells, and imports that stand alone"
    def __call__(self, cell):
        if not mixed(cell): super().__call__(cell)

class Docs(FilterDefaults):
    "nbdev's processors, of which one is less eager"
    def base_procs(self): return [RunExports if o is exec_show_docs else o for o in super().base_procs()]

def single_links(
    md:str, # Markdown
)->str:     # The same, every link with plain text inside
    "Undo nbdev's second link, around a name that stands inside a link of the author"
    return _re_double.sub(lambda m: '[' + _re_link.sub(r'\1', m[1]) + ']', md)

def arguments(
    cfg, # nbdev's configuration
)->dict: # Address of the function by name
    "Public names of the package that are also names of arguments: where `delta` stands in a text, it is rarely the function of that name"
    trees = [ast.parse(p.read_text(encoding='utf-8')) for p in cfg.lib_path.glob('*.py')]
    args = {a.arg for t in trees for o in ast.walk(t) if isinstance(o, ast.FunctionDef) for a in o.args.args+o.args.kwonlyargs}
    return {n.rpartition('.')[2]: url for syms in symbols(cfg).values() for n,(url,_) in syms.items() if n.rpartition('.')[2] in args}

def own_names(
    md:str,      # Markdown
    args:dict,   # From `arguments`
    home:str,    # The page's address on the site
)->str:          # The same with fewer links
    "Undo nbdev's link from the name of an argument to a function on another page"
    return re.sub(r'\[(`(\w+)`)\]\((https?://[^()]*)\)', lambda m: m[1] if m[2] in args and not args[m[2]].startswith(home+'#') else m[0], md)

_shorter = [(r':(?:NoneType|builtin_function_or_method)=', '='), (r'\b__main__\.', ''), (r':functools\.partial=functools\.', '='), (r"<class '(?:\w+\.)*(\w+)'>", r'\1'), (r'<(\w+\.\w+): [^>]*>', r'\1'),
    (r'\btorch\.nn\.modules\.(?:\w+\.)*', 'nn.'), (r'\b(?:torch|pathlib|sigmoid_cl|fastai|scipy|matplotlib|collections)\.(?:\w+\.)*(?=[A-Z]|csr_array)', '')]

def signatures(
    md:str, # Markdown, perhaps with what nbdev writes about a function
)->str:     # The same, with the names that the page itself uses
    "A signature without the type of None, and without the modules in which Python finds the names"
    def short(m):
        code,hash,comment = m[0].partition(' # ')
        for old,new in _shorter: code = re.sub(old, new, code)
        return code+hash+comment
    def tidy(m): return re.sub(r'\n    \*, after_create=None,.*?after_fit=None\n', '', re.sub('.+', short, m[0]), flags=re.S) # fastai's events
    return re.sub(r'(?<=^```python\n)def .*?(?=^```$)', tidy, md, flags=re.S|re.M)

def symbols(cfg):
    "nbdev's index of the package"
    return ast.literal_eval((cfg.lib_path/'_modidx.py').read_text(encoding='utf-8').partition('d = ')[2])['syms']

def statements(
    md:str, # Markdown
)->str:     # The same, each theorem in a block of its own
    "A paragraph or quotation that begins with a bold **Theorem**, **Lemma**, ..., or a quotation under such a heading, becomes a block that the style sheet knows"
    paras,head = re.split(r'(\n{2,})', md),''
    for i,p in enumerate(paras):
        if p.startswith('#'): head = p
        if not _re_statement.match(p) and not (p.startswith('>') and _re_named.match(head)): continue
        text = re.sub(r'^> ?', '', p, flags=re.M) if p.startswith('>') else p
        paras[i] = f'::: {{.statement}}\n{text}\n:::'
    return ''.join(paras)

def prepare_cell(
    c,         # A cell
    args:dict, # From `arguments`
    home:str,  # The page's address
):
    "One cell for the page"
    c.metadata.pop('execution', None) # with it Quarto puts the documentation of a function in a box, and its name out of the table of contents
    if c.cell_type=='raw': # in the sidebar a question says what it is about first
        c.source = re.sub(r'^(title: *[\'"]?)Open question \((\w)\)(, exactly)?: (\w)(.*?)([\'"]?)$', lambda m: f'{m[1]}{m[4].upper()}{m[5]} (open question {m[2]}){m[6]}', c.source, flags=re.M)
    if c.cell_type=='markdown':
        if c.directives: c.remove_directives()
        c.source = re.sub(r'\{\\rm\s+([^{}]*)\}', r'{\\mathrm{\1}}', own_names(single_links(c.source), args, home)) # Pandoc does not know `\rm`
        if ':::' not in c.source: c.source = statements(c.source)
    for o in c.get('outputs', []):
        if 'text/html' in o.get('data', {}): o['data'].pop('text/markdown', None) # fastai's tables bring both
        md = o.get('data', {}).get('text/markdown')
        if md: o['data']['text/markdown'] = own_names(single_links(signatures(''.join(md))), args, home)

def prepare(
    cache:Path, # Notebooks as nbdev prepared them
    cfg,        # nbdev's configuration
):
    "Change the notebooks in `cache` for the page, and write the pages that no notebook holds"
    args = arguments(cfg)
    for p in cache.rglob('*.ipynb'):
        nb,path = read_nb(p),p.relative_to(cache).as_posix()
        nb.metadata.pop('widgets', None) # no output holds one, and for its sake Quarto would fetch scripts from elsewhere
        for c in nb.cells:
            prepare_cell(c, args, re.sub(r'^\d+_', '', p.stem)+'.html')
            fold = p.parent.name in folded or p.parent.name in drawn and '#| label: fig-' in c.source
            if fold and c.cell_type=='code' and c.outputs and 'echo: false' not in c.source and 'code-fold' not in c.source:
                c.source = '#| code-fold: true\n'+c.source
        for i in reversed([i for i,c in enumerate(nb.cells) if c.cell_type=='code' and 'interactive(' in c.source and not c.outputs]):
            if i+1==len(nb.cells) or nb.cells[i+1].source!=kernel: nb.cells.insert(i+1, mk_cell(kernel, 'markdown'))
        if has_install(cfg.nbs_path/path) and not any('colab-link' in c.source for c in nb.cells):
            at = 1 if nb.cells[0].cell_type=='raw' else 0
            link = colab.format(f'{cfg.user}/{cfg.lib_name}', cfg.branch, path)
            nb.cells.insert(at, mk_cell(f'[Open in Colab]({link}){{.colab-link}}', 'markdown'))
        write_nb(nb, p)
    for name,text in extra_pages(cfg, cache).items(): (cache/name).write_text(text, encoding='utf-8')

def has_install(path):
    "Whether the notebook begins with the cell that installs the package where it is missing"
    return path.exists() and 'COLAB_RELEASE_TAG' in path.read_text(encoding='utf-8')

def version(cfg):
    "The version, from the one place where it stands"
    return re.search(r'^__version__ *= *"(.+)"', (cfg.lib_path/'__init__.py').read_text(encoding='utf-8'), re.M)[1]

def page(title, description, body):
    "A Markdown page with Quarto's front matter"
    return f'---\ntitle: {json.dumps(title)}\ndescription: {json.dumps(description)}\n---\n\n{body.strip()}\n'

def rooted(
    path:Path, # A Markdown file of the repository
    title:str, # Title of the page
    desc:str,  # One line
)->str:        # The page
    "A file of the repository as a page"
    body = re.sub(r'\A# .*\n', '', path.read_text(encoding='utf-8').strip())
    return page(title, desc, body)

def extra_pages(
    cfg,        # nbdev's configuration
    cache:Path, # Prepared notebooks
)->dict:        # Text by file name
    "Pages made from files outside `nbs/`, to which links in it lead, and the list of names"
    root = cfg.config_path
    return {'changelog.md': rooted(root/'CHANGELOG.md', 'Changes', f'What each release brought, and what has changed since version {version(cfg)}'),
        'contributing.md': rooted(root/'CONTRIBUTING.md', 'Contributing', 'From a clone to a pull request, and what every notebook has to keep'),
        'api.md': re.sub('<!--.*?-->', lambda m: api_index(cfg, cache), (cfg.nbs_path/'api.md').read_text(encoding='utf-8'))}

def api_index(
    cfg,        # nbdev's configuration
    cache:Path, # Prepared notebooks
)->str:         # Markdown
    "A table for each module, from nbdev's index and the docstrings in the source"
    res,heads = [],set(re.findall(r'### (\w+)\\n', ''.join(p.read_text(encoding='utf-8') for p in cache.rglob('*.ipynb'))))
    for mod,syms in symbols(cfg).items():
        f = cfg.lib_path/f'{mod.partition(".")[2].replace(".", "/")}.py'
        tree = ast.parse(f.read_text(encoding='utf-8'))
        public = next((ast.literal_eval(o.value) for o in tree.body if isinstance(o, ast.Assign) and getattr(o.targets[0], 'id', '')=='__all__'), [])
        docs = {o.name: (ast.get_docstring(o) or '').partition('\n')[0] for o in tree.body if isinstance(o, (ast.FunctionDef, ast.ClassDef))}
        rows = [(name, syms[full][0], docs.get(name, '')) for name in public if (full := f'{mod}.{name}') in syms]
        if not rows: continue
        home = rows[0][1].partition('#')[0]
        res.append(f'## [{mod.partition(".")[2]}]({home})\n\n{(ast.get_docstring(tree) or "").partition(chr(10)+chr(10))[0]}\n')
        res.append('| Name | What it is |\n|---|---|\n' + '\n'.join(f"| [`{n}`]({u if n in heads else home}) | {d.replace('|', chr(92)+'|')} |" for n,u,d in rows)+'\n')
    return '\n'.join(res)

def full_text(
    cache:Path, # Prepared notebooks
    order,      # Paths in reading order
)->str:         # Markdown
    "All notebooks as one text: prose, code, and outputs that are text"
    res = []
    for p in order:
        for c in read_nb(cache/p).cells:
            src = c.source.strip()
            if c.cell_type=='raw':
                fm = re.search(r'^title: (.*)$', src, re.M)
                res.append(f"# {fm[1].strip(chr(39)+chr(34)) if fm else p} ({p})")
            elif c.cell_type=='markdown': res += [src] if not src.startswith(('<!--', '[Open in Colab]')) else []
            else:
                opts = dict(re.findall(r'^#\| *(\S+): *(.*)$', src, re.M))
                code = re.sub(r'^#\|.*\n?', '', src, flags=re.M).strip()
                if code and opts.get('echo')!='false': res.append(f'```python\n{code}\n```')
                for o in c.outputs:
                    d = o.get('data', {})
                    if 'text/markdown' in d: res.append(''.join(d['text/markdown']).strip())
                    elif text := ''.join(o.get('text', '') or ('' if 'image/png' in d or 'text/html' in d else d.get('text/plain', ''))).strip(): res.append(f'```\n{text}\n```')
                if 'fig-cap' in opts: res.append(f"Figure: {opts['fig-cap'].strip(chr(34))}")
    return '\n\n'.join(o for o in res if o)+'\n'

_re_math = re.compile(r'<math\b.*?</math>', re.S)
_re_applied = re.compile(r'<mo>(\u2061|&#8289;|&#x2061;)</mo>(?=</mrow>\s*<m(?!o\b))') # a function's name before its argument, if that is not in brackets
_re_digits = re.compile(r'<mn>(\d{1,3})</mn><mo>,</mo><mn>(\d{3})</mn>')

def spaced(
    text:str, # HTML
)->str:
    "Formulas with the spaces that Pandoc leaves out, as in log n, and without those it puts in, as in 32,768"
    def mend(m):
        o = _re_applied.sub(r'<mo rspace="0.167em">\1</mo>', m[0])
        return _re_digits.sub(r'<mn>\1,\2</mn>', o) if '{,}' in o else o
    return _re_math.sub(mend, text)

def finish(
    out:Path, # The built site
):
    "What neither builder does by itself: spaces in formulas; fonts of themes, icons of matplotlib's animations and the loaders of widgets come from nowhere else"
    for p in out.rglob('*.html'):
        text = p.read_text(encoding='utf-8')
        local = re.sub(r'<link[^>]*font-awesome[^>]*>', '', spaced(text))
        local = re.sub(r'<script[^>]*src="https?://[^"]*(?:require|jquery|polyfill)[^"]*"[^>]*></script>|<script[^>]*>\s*define\(.jquery.[^<]*</script>', '', local)
        if local!=text: p.write_text(local, encoding='utf-8')
    for p in (out/'site_libs').rglob('*.css'):
        css = p.read_text(encoding='utf-8')
        local = re.sub(r'@import\s*(?:url\([^)]*//[^)]*\)|"[^"]*//[^"]*"|\'[^\']*//[^\']*\')[^;]*;', '', css)
        if local!=css: p.write_text(local, encoding='utf-8')
