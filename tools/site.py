"""Build the site and check what a reader would meet: links, pictures, formulas, names in the table of contents, sizes.

Without flags it is built in pure Python: smalldocs lays out the pages and Pandoc, which is the reader inside Quarto, turns the formulas into MathML and is
asked whether it reads the same headings in the same notebooks. `--quarto` renders what is published, and holds it to the same checks."""
import ast,html,json,os,re,shutil,subprocess,sys
from collections import Counter,defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote,urlsplit

from fastcore.nbio import read_nb
from fastcore.script import call_parse
from nbdev.config import get_config
from nbdev.quarto import refresh_quarto_yml
import nbdev.serve,pypandoc
from smalldocs import layout,site as sd
from smalldocs.config import load

sys.path.insert(0, str(Path(__file__).parent))
from pages import Docs,finish,full_text,prepare

# What smalldocs says of that which only Quarto reads, and of links, which are checked here in the pages themselves
known = re.compile(r'output-file is not read|^filter directives.lua is not run|^format.html.(?:grid|respect-user-color-scheme|html-math-method) is ignored|format commonmark is not built|^unknown key format-links|: broken link ')
limit = 1_500_000 # bytes of a page

class Site(sd.Site):
    "smalldocs' site with nbdev's addresses: a page stands at its `output-file`, and links to the published site stay in this one"
    def read(self, src):
        page = super().read(src)
        page.out = page.out.with_name(page.front.get('output-file', page.out.name))
        return page

    def resolve(self, href, page, record=True):
        home = self.project.website['site-url'].rstrip('/')+'/'
        if href.startswith(home):
            path,_,anchor = href.removeprefix(home).partition('#')
            found = next((o for o in self.pages.values() if str(o.out)==(path or 'index.html')), None)
            if found: return sd.rel(found.out, page) + ('#'+anchor if anchor else '')
            if record: self.broken.append((str(page.src) if page else self.project.file, href))
        return super().resolve(href, page, record)

class Refs(HTMLParser):
    "The anchors of a page, what it links to, its pictures, its headings, and the words outside code"
    def __init__(self, text):
        super().__init__()
        self.ids,self.links,self.no_alt,self.words,self.heads,self.toc,self.description,self.elsewhere = set(),[],0,[],[],set(),False,[]
        self.inside,self.counts = [],Counter()
        self.feed(text)
        self.words = ''.join(self.words)
        self.directive = re.search(r'^\s*(#\| ?\w+)', self.words, re.M)
        self.literal = re.search(r'[^\s\[]*\]\(\S{0,60}', self.words)
        self.formula = re.search(r'\$[A-Za-z\\][^$\n]{0,80}\$', self.words)

    def handle_starttag(self, tag, attrs):
        d = dict(attrs)
        self.ids |= {d[k] for k in ('id','name') if d.get(k)}
        self.links += [d[k] for k in ('href','src') if d.get(k) is not None]
        loads = d.get('src') if tag in ('script','img','iframe') else d.get('href') if tag=='link' and d.get('rel') in ('stylesheet','icon','preload') else ''
        if re.match('(?:https?:)?//', loads or ''): self.elsewhere.append(loads)
        self.no_alt += tag=='img' and not d.get('alt')
        self.counts[tag] += 1
        if tag=='meta' and d.get('name')=='description': self.description = bool(d.get('content'))
        if tag=='nav' and d.get('id')=='TOC': self.inside.append('TOC')
        if tag=='a' and 'TOC' in self.inside: self.toc.add((d.get('data-scroll-target') or d.get('href') or '').partition('#')[2])
        if tag in ('pre','code','script','style','annotation','textarea'): self.inside.append(tag)
        if re.fullmatch('h[1-4]', tag): self.heads.append('')

    def handle_endtag(self, tag):
        if tag=='nav' and 'TOC' in self.inside: self.inside.remove('TOC')
        elif self.inside and self.inside[-1]==tag: self.inside.pop()

    def handle_data(self, data):
        if not self.inside: self.words.append(data)

def bad_links(
    out:Path,  # The built site
    root:Path, # The repository
    blob:str,  # Address that the repository's files have on the web, with the branch
)->list:       # One line for each
    "Links and pictures that lead nowhere: to a missing file, a missing anchor, or a missing line of the source"
    pages = {p:Refs(p.read_text(encoding='utf-8')) for p in sorted(out.rglob('*.html'))}
    res = defaultdict(list)
    for p,refs in pages.items():
        say = lambda why: res[why].append(str(p.relative_to(out)))
        if refs.no_alt: say(f'{refs.no_alt} picture(s) without alternative text (`fig-alt`)')
        if refs.directive: say(f'a directive shows as text: {refs.directive[1]}')
        if refs.literal: say(f'Markdown shows as text: {refs.literal[0]}')
        if refs.formula: say(f'a formula shows as text: {refs.formula[0]}')
        if refs.elsewhere: say(f'loads from elsewhere: {", ".join(refs.elsewhere)}')
        if not refs.description: say('no description')
        if p.stat().st_size>limit: say(f'{p.stat().st_size/1e6:.1f} MB, more than {limit/1e6}')
        for h in refs.links:
            u = urlsplit(h)
            if h.startswith(blob):
                f = root/unquote(u.path.removeprefix(urlsplit(blob).path))
                if not f.exists(): say(f'no such file in the repository: {h}')
                elif (m := re.fullmatch(r'L(\d+)', u.fragment)) and int(m[1])>len(f.read_text(encoding='utf-8').splitlines()): say(f'no such line: {h}')
                continue
            if u.scheme or u.netloc or not h.strip('#'): continue
            to = (p.parent/unquote(u.path)).resolve() if u.path else p
            if to.is_dir(): to = to/'index.html'
            if not to.exists() or not to.is_relative_to(out): say(f'broken link {os.path.relpath(to, out)}')
            elif u.fragment and to in pages and unquote(u.fragment) not in pages[to].ids: say(f'no such anchor: {h}')
    return [f"{why}  on {', '.join(dict.fromkeys(on))}" for why,on in res.items()]

def bad_nav(
    site:Site, # The built site
)->list:       # One line for each
    "Pages that the sidebar does not list, or lists twice"
    seen = Counter(str(o.src) for bar in layout.SiteNav(site).sidebars for item in bar['items'] for o in item.pages())
    return [f"{src}: in the sidebar {seen[str(src)]} times; see `_quarto.yml`" for src in site.pages if seen[str(src)]!=1 and src.stem!='404']

def bad_toc(
    out:Path,  # The built site
    lib:Path,  # The package
)->list:       # One line for each
    "Exported functions and classes that are missing in their page's table of contents"
    index = ast.literal_eval((lib/'_modidx.py').read_text(encoding='utf-8').partition('d = ')[2])
    res,tocs = [],{}
    for syms in index['syms'].values():
        for name,(url,_) in syms.items():
            page,_,anchor = url.partition('#')
            if name.rpartition('.')[2].startswith('_') or '.' in anchor or not (out/page).exists(): continue
            if page not in tocs: tocs[page] = Refs((out/page).read_text(encoding='utf-8'))
            if anchor in tocs[page].ids and anchor not in tocs[page].toc: res.append(f'{page}: {anchor} is not in the table of contents')
    return res

def bad_cells(
    cache:Path, # Prepared notebooks
)->list:        # One line for each
    "Cells that Quarto would lay out otherwise than smalldocs: it alone makes sub-figures, and boxes from metadata"
    res = []
    for p in sorted(cache.rglob('*.ipynb')):
        for c in read_nb(p).cells:
            if c.cell_type!='code': continue
            shown = [o for o in c.outputs if o.output_type in ('display_data','execute_result')]
            if re.search(r'^#\| *label: *fig-', c.source, re.M) and len(shown)!=1: res.append(f'{p.name}, cell {c.id}: a figure cell with {len(shown)} outputs')
            if c.metadata.get('execution'): res.append(f'{p.name}, cell {c.id}: saved `metadata.execution`')
    return res

def pandoc(
    text:str,  # Markdown
    cwd:Path,  # Where the filter lies
    *args,     # Further arguments
)->tuple:      # HTML, what Pandoc had to say
    "Read Markdown as Quarto does"
    res = subprocess.run([pypandoc.get_pandoc_path(), '-f', 'markdown', '-t', 'html', '--mathml', '--wrap=none', '-L', 'directives.lua', *args], input=text,
        capture_output=True, text=True, encoding='utf-8', cwd=cwd, check=True)
    return res.stdout,res.stderr

def bad_reading(
    cache:Path, # Prepared notebooks
    site:Site,  # The site that smalldocs built
)->list:        # One line for each
    "Places where Pandoc, and so Quarto, reads a notebook's Markdown otherwise than smalldocs did: headings, literal links, formulas"
    res = []
    for src,page in site.pages.items():
        if src.suffix!='.ipynb': continue
        texts = []
        for c in read_nb(cache/src).cells:
            if c.cell_type=='markdown': texts.append(c.source)
            elif re.search(r'^#\| *output: *asis', c.source, re.M): texts += [''.join(o.data['text/markdown']) for o in c.outputs if 'text/markdown' in o.get('data', {})]
        out,err = pandoc('\n\n'.join(texts), cache)
        refs,ours = Refs(out),[h for h in re.findall(r'<h([1-4])', page.html)]
        if refs.literal: res.append(f'{src}: Pandoc leaves Markdown as text: {refs.literal[0]}')
        if len(refs.heads)!=len(ours): res.append(f'{src}: {len(refs.heads)} headings in Pandoc, {len(ours)} in smalldocs')
        res += [f'{src}: {o}' for o in re.findall(r'Could not convert TeX math (.*)', err)]
    return res

def mathml(
    out:Path,   # The built site
    cache:Path, # Where the filter lies
):
    "Formulas as MathML, all in one call of Pandoc, in place of a script from elsewhere"
    tex = re.compile(r'<span class="math (inline|display)">\\[(\[](.*?)\\[)\]]</span>', re.S)
    pages = {p: p.read_text(encoding='utf-8') for p in out.rglob('*.html')}
    found = list(dict.fromkeys(m.groups() for t in pages.values() for m in tex.finditer(t)))
    if not found: return
    md = '\n\n'.join(f'[{"$"*n}{html.unescape(s).strip()}{"$"*n}]{{.f}}' for kind,s in found for n in [1+(kind=='display')])
    done = re.findall(r'<p><span class="f">(.*?)</span></p>', pandoc(md, cache)[0], re.S)
    if len(done)!=len(found): raise SystemExit(f'{len(found)} formulas went into Pandoc, {len(done)} came out')
    made = dict(zip(found, done))
    for p,t in pages.items():
        new = tex.sub(lambda m: made[m.groups()], t)
        new = re.sub(r'<(?:link|script)[^>]*katex[^>]*>(?:</script>)?|<script>[^<]*renderMathInElement[^<]*</script>', '', new)
        if new!=t: p.write_text(new, encoding='utf-8')

def build(
    cfg,        # nbdev's configuration
    cache:Path, # Prepared notebooks
)->tuple:       # Number of pages, problems, the site
    "The site by smalldocs"
    site = Site(load(cache), quiet=True)
    site.out = cfg.doc_path
    if site.out.exists(): shutil.rmtree(site.out)
    n = site.build()
    mathml(site.out, cache)
    write_texts(site, cache)
    return n,[o for o in site.warnings if not known.search(o)] + bad_nav(site) + bad_reading(cache, site),site

def write_texts(
    site:Site,  # The site that smalldocs built
    cache:Path, # Prepared notebooks
):
    "What machines read: each notebook's page as Markdown beside it, where `llms.txt` says, and all of them in one file"
    pages = {o.src: o for bar in layout.SiteNav(site).sidebars for item in bar['items'] for o in item.pages() if o.src.suffix=='.ipynb'}.values()
    for o in pages: (site.out/o.out).with_name(o.out.name+'.md').write_text(full_text(cache, [o.src]), encoding='utf-8')
    (site.out/'llms-full.txt').write_text(full_text(cache, [o.src for o in pages]), encoding='utf-8')

def bad_llms(
    out:Path,  # The built site
    home:str,  # Its address
)->list:       # One line for each
    "Addresses in `llms.txt` at which nothing stands"
    if not (out/'llms.txt').exists(): return ['llms.txt is not in the site']
    links = re.findall(r'\]\((\S+)\)', (out/'llms.txt').read_text(encoding='utf-8'))
    return [f'llms.txt: nothing stands at {o}' for o in links if not (out/o.removeprefix(home)).exists()]

def structure(
    out:Path, # A built site
)->dict:      # Counts by page
    "What two builders have to agree about"
    return {str(p.relative_to(out)): {'headings': len(r.heads), **{k: r.counts[k] for k in ('math','table','figure')}}
        for p in sorted(out.rglob('*.html')) for r in [Refs(p.read_text(encoding='utf-8'))] if 'site_libs' not in p.parts}

def render(
    cfg,        # nbdev's configuration
    cache:Path, # Prepared notebooks
)->tuple:       # Number of pages, problems, the site by smalldocs
    "The site by Quarto, beside the one by smalldocs"
    n,problems,site = build(cfg, cache)
    ours = structure(cfg.doc_path)
    version = subprocess.run(['quarto', '--version'], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(map(int, version.split('.')[:2]))<(1,10): raise SystemExit(f'Quarto {version} cannot rename the Markdown pages of this site; 1.10 or later can')
    shutil.rmtree(cfg.doc_path)
    res = subprocess.run(['quarto', 'render', '--no-cache', '--output-dir', str(cfg.doc_path)], cwd=cache, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(res.stdout)
    if res.returncode: raise SystemExit(res.returncode)
    problems += [f'Quarto: {o}' for o in re.findall(r'^.*\bWARN(?:ING)?\b.*$', res.stdout, re.M)]
    write_texts(site, cache)
    theirs = structure(cfg.doc_path)
    for p in sorted(ours.keys() | theirs.keys()):
        if ours.get(p)!=theirs.get(p): print(f'{p}: smalldocs {ours.get(p)}, Quarto {theirs.get(p)}')
    return len(theirs),problems,site

@call_parse
def main(
    force:bool=False,  # Process every notebook again, also those that did not change
    quarto:bool=False, # Render with Quarto, as published
    n_workers:int=2,   # Notebooks processed at a time
):
    "Build the site into `_docs` and check it"
    cfg = get_config(Path(__file__).parent)
    sys.path.insert(0, str(cfg.config_path))
    refresh_quarto_yml()
    nbdev.serve.FilterDefaults = Docs
    cache = nbdev.serve.proc_nbs(cfg.nbs_path, n_workers=n_workers, force=force)
    prepare(cache, cfg)
    n,problems,_ = (render if quarto else build)(cfg, cache)
    out = cfg.doc_path.resolve()
    finish(out)
    problems += bad_cells(cache) + bad_links(out, cfg.config_path, f'{cfg.git_url}/blob/{cfg.branch}/') + bad_toc(out, cfg.lib_path) + bad_llms(out, f'{cfg.doc_host}{cfg.doc_baseurl}/')
    print(*problems, sep='\n')
    print(f"{n} pages in {out}, {len(problems)} problem(s)")
    if problems: raise SystemExit(1)
