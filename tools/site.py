"Build the site with smalldocs, in pure Python, and fail on broken links, missing pictures or pages outside the navigation."
import ast,os,re,sys
from collections import Counter,defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote,urlsplit

from fastcore.nbio import read_nb,write_nb
from fastcore.script import call_parse
from nbdev.config import get_config
from nbdev.doclinks import nbglob
from nbdev.quarto import refresh_quarto_yml
from nbdev.serve import proc_nbs
from smalldocs import layout,site as sd
from smalldocs.config import load

# What smalldocs says of that which only Quarto reads, and of links, which are checked here in the pages themselves
known = re.compile(r'output-file is not read|^filter directives.lua is not run|^format.html.grid is ignored|format commonmark is not built|^unknown key format-links|: broken link ')

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

def mixed_imports(
    cfg, # nbdev's configuration
)->list: # One line for each
    "Lesson cells of library notebooks that hold an import and something else"
    res,isimp = [],lambda o: isinstance(o, (ast.Import,ast.ImportFrom))
    for p in nbglob(cfg.nbs_path, as_path=True):
        cells = [c for c in read_nb(p).cells if c.cell_type=='code']
        exported = [c for c in cells if c.directives.keys() & {'export','exports','exporti'}]
        for c in cells if exported else []:
            skip = c in exported or c.directives.get('eval')=='false' or 'nbdev_export()' in c.source
            tree = None if skip else c.parsed_()
            if tree and any(isimp(o) for t in tree for o in ast.walk(t)) and not all(map(isimp, tree)):
                res.append(f'{p.name}, cell {c.id}: {c.source.strip().splitlines()[0]}')
    return res

def drop_directives(
    cache:Path, # Notebooks as nbdev prepared them
):
    "Do for the Markdown cells in `cache` what `nbs/directives.lua` does in Quarto"
    for p in cache.rglob('*.ipynb'):
        nb = read_nb(p)
        cells = [c for c in nb.cells if c.cell_type=='markdown' and c.directives]
        for c in cells: c.remove_directives()
        if cells: write_nb(nb, p)

class Refs(HTMLParser):
    "The anchors of a page, what it links to, and its pictures"
    def __init__(self, text):
        super().__init__()
        self.ids,self.links,self.no_alt = set(),[],0
        self.feed(text)
        self.directive = re.search(r'<p>\s*(#?\| ?\w+)', text)

    def handle_starttag(self, tag, attrs):
        d = dict(attrs)
        self.ids |= {d[k] for k in ('id','name') if d.get(k)}
        self.links += [d[k] for k in ('href','src') if d.get(k) is not None]
        self.no_alt += tag=='img' and not d.get('alt')

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
    return [f"{src}: in the sidebar {seen[str(src)]} times; see `_quarto.yml`" for src in site.pages if seen[str(src)]!=1]

@call_parse
def main(
    force:bool=False, # Process every notebook again, also those that did not change
    n_workers:int=2,  # Notebooks processed at a time
):
    "Build the site into `_docs` and check it"
    cfg = get_config(Path(__file__).parent)
    sys.path.insert(0, str(cfg.config_path))
    refresh_quarto_yml()
    try: cache = proc_nbs(cfg.nbs_path, n_workers=n_workers, force=force)
    except Exception as e:
        print(e, "The site runs exported cells and those with an import, without the others. Imports mixed with other code:", *mixed_imports(cfg), sep='\n')
        raise SystemExit(1)
    drop_directives(cache)
    site = Site(load(cache), quiet=True)
    site.out = cfg.doc_path
    n = site.build()
    problems = [o for o in site.warnings if not known.search(o)]
    problems += bad_nav(site) + bad_links(site.out.resolve(), cfg.config_path, f'{cfg.git_url}/blob/{cfg.branch}/')
    print(*problems, sep='\n')
    print(f"{n} pages in {site.out}, {len(problems)} problem(s)")
    if problems: raise SystemExit(1)
