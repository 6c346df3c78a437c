"""Look at the built site and at the notebooks as a reader does, in a browser that is driven: Debian's `chromium`, Chrome, or playwright's own.

`python tools/browser.py site` opens every page of `_docs` on a phone and on a desktop; `python tools/browser.py lab` runs the notebooks that have sliders in
JupyterLab and moves one by key. Both say so, and succeed, where there is no browser."""
import functools,http.server,json,os,re,shutil,socket,subprocess,sys,tempfile,threading,time,urllib.request
from contextlib import contextmanager
from pathlib import Path

from fastcore.script import call_parse

root = Path(__file__).resolve().parent.parent
names = 'chromium','chromium-browser','google-chrome','google-chrome-stable'

@contextmanager
def chromium():
    "A running browser, or None where there is none"
    try: from playwright.sync_api import Error,sync_playwright
    except ImportError:
        yield None
        return
    with sync_playwright() as p:
        found = next(filter(None, map(shutil.which, names)), None)
        try: browser = p.chromium.launch(executable_path=found, args=['--no-sandbox'] if os.geteuid()==0 else [])
        except Error: browser = None
        yield browser
        if browser: browser.close()

@contextmanager
def served(
    folder:Path, # The built site
):
    "The address at which `folder` is served"
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/'
    server.shutdown()

# what sticks out of the window with nothing around it that scrolls, and formulas that are cut
wide = """() => { const W = document.documentElement.clientWidth, res = [];
    for (const e of document.querySelectorAll('main *, nav *, footer *')) {
        const r = e.getBoundingClientRect();
        if (!r.width || r.right<=W+.5 || e.closest('.visually-hidden, .collapse:not(.show), .sidebar:not(.show), [hidden]')) continue;
        let p = e.parentElement;
        while (p && !/auto|scroll/.test(getComputedStyle(p).overflowX) && getComputedStyle(p).position!=='fixed') p = p.parentElement;
        if (!p || p===document.documentElement || p===document.body) res.push(`${e.tagName.toLowerCase()} ${e.textContent.trim().slice(0, 40)}`);
    }
    return [document.documentElement.scrollWidth-W, res.slice(0, 3)] }"""

def look(
    page,      # A page of the browser
    url:str,   # Address
    home:str,  # The site's
)->list:       # What is wrong
    "Open a page and say what a reader would see amiss"
    res,asked = [],[]
    on = dict(request=lambda r: asked.append(r.url), console=lambda m: res.append(f'console: {m.text}') if m.type=='error' else None, pageerror=lambda e: res.append(f'script: {e}'))
    for k,f in on.items(): page.on(k, f)
    page.goto(url, wait_until='load')
    over,out = page.evaluate(wide)
    for k,f in on.items(): page.remove_listener(k, f)
    if over>0: res.append(f'scrolls sideways by {over} px')
    if out: res.append(f'sticks out: {out}')
    res += [f'asks elsewhere: {o}' for o in set(asked) if not o.startswith((home,'data:','blob:'))]
    return res

def explorer(
    page, # A page of the browser, at the explorer
)->list:  # What is wrong
    "Move the explorer's sliders by key and press its buttons"
    res,seen = [],[]
    shot = lambda: page.inner_html('.scl-plots')+page.inner_text('.scl-say')
    for k in ('n','t','b','gamma'):
        if page.locator(f'label[for=scl-{k}]').count()!=1: res.append(f'no label for {k}')
        before = shot()
        page.focus(f'#scl-{k}')
        page.keyboard.press('ArrowRight')
        if shot()==before: res.append(f'{k}: nothing changes when its slider moves')
    for i in (0, 1):
        page.fill('input[aria-label^="bias"]', '-5'), page.fill('input[aria-label^="pairs"]', '1000')
        before = shot()
        page.locator('.scl-more button').nth(i).click()
        if shot()==before: res.append(f'button {i+1} does nothing')
    if any(not o.get_attribute('aria-label') for o in page.query_selector_all('.scl-plots svg')): res.append('a picture without description')
    return res

@contextmanager
def lab(
    folder:Path, # Served as the files of JupyterLab
    home:Path,   # An empty folder for its settings
):
    "The address of a JupyterLab that ends with the block"
    settings = home/'settings/@jupyterlab/notebook-extension'
    settings.mkdir(parents=True)
    (settings/'tracker.jupyterlab-settings').write_text('{"windowingMode": "none"}') # all cells are in the page
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    env = {**os.environ, 'IN_TEST':'1', 'PYTHONPATH':str(folder), 'JUPYTERLAB_SETTINGS_DIR':str(home/'settings'), 'JUPYTERLAB_WORKSPACES_DIR':str(home/'workspaces'), 'JUPYTER_RUNTIME_DIR':str(home/'runtime'), 'JUPYTER_CONFIG_DIR':str(home/'config'), 'IPYTHONDIR':str(home/'ipython')}
    env.pop('MPLBACKEND', None) # IN_TEST, as under nbdev-test: sliders need no export
    p = subprocess.Popen([sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', f'--port={port}', '--IdentityProvider.token=', '--LabApp.expose_app_in_browser=True',
        f'--ServerApp.root_dir={folder}', '--LabApp.news_url=None', '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate'], env=env, stdout=subprocess.DEVNULL, stderr=(home/'log').open('w'))
    try:
        url = f'http://127.0.0.1:{port}/'
        for _ in range(300):
            try: urllib.request.urlopen(url+'api', timeout=5); break
            except OSError: time.sleep(.2)
        else: raise SystemExit(f"JupyterLab does not start:\n{(home/'log').read_text()}")
        yield url
    finally:
        p.terminate()
        p.wait(20)

state = """() => { const w = jupyterapp.shell.currentWidget, cells = w?.content?.widgets ?? [];
    const code = cells.filter(c => c.model.type==='code' && c.model.sharedModel.source.trim());
    return { idle: w?.sessionContext?.session?.kernel?.status==='idle', ran: code.filter(c => c.model.executionCount).length, code: code.length,
        errors: code.flatMap(c => c.model.outputs.toJSON().filter(o => o.output_type==='error').map(o => `${o.ename}: ${o.evalue}`)),
        warnings: code.flatMap(c => c.model.outputs.toJSON().filter(o => o.name==='stderr').map(o => [].concat(o.text).join('').slice(0, 200))) } }"""

def run_all(
    page,     # A page of the browser
    url:str,  # JupyterLab's address
    path:str, # A notebook
):
    "Open a notebook and start all its cells"
    page.goto(f'{url}lab/tree/{path}?reset')
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status==='idle' && jupyterapp.shell.currentWidget.content.widgets.length>1", timeout=60_000)
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells') }")

def moved(
    page,          # A page of the browser, after `run_all`
    limit:int=240, # Seconds
)->list:           # What is wrong
    "Wait for the cells, and move the first slider with the arrow keys"
    for _ in range(4*limit):
        s = page.evaluate(state)
        if s['errors'] or (s['idle'] and s['ran']==s['code']): break
        time.sleep(.25)
    else: return [f"{s['ran']} of {s['code']} cells after {limit} s"]
    if s['errors'] or s['warnings']: return s['errors']+s['warnings']
    knob,picture = page.locator('.widget-slider .noUi-handle').first,page.locator('.jupyter-widgets .jp-OutputArea img, .widget-output img').first
    for _ in range(100):
        if knob.count() and picture.count(): break
        time.sleep(.1)
    else: return ['no slider with a picture appears']
    before = picture.get_attribute('src')
    knob.scroll_into_view_if_needed()
    knob.focus()
    page.keyboard.press('ArrowRight')
    for _ in range(100):
        if picture.get_attribute('src')!=before: return []
        time.sleep(.1)
    return ['the picture stays when a slider moves']

def tracked(
    to:Path, # A new folder
)->Path:     # The same
    "The repository's own files, so that a run leaves no trace in it"
    for f in subprocess.check_output(['git', 'ls-files', '-z'], cwd=root, text=True).strip('\0').split('\0'):
        if not (root/f).is_file(): continue
        (to/f).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root/f, to/f)
    return to

@call_parse
def main(
    what:str, # `site` or `lab`
    only:str='', # A part of the path, to look at few
):
    "Look at the built site, or at the notebooks with sliders in JupyterLab"
    if what not in ('site','lab'): raise SystemExit(f"what must be 'site' or 'lab', got {what!r}")
    problems,n = [],0
    with chromium() as browser:
        if not browser: return print('not looked at: no Chromium here (or no playwright, which drives it)')
        if what=='site':
            with served(root/'_docs') as url:
                for width,scheme in ((390,'dark'),(1400,'light')):
                    page = browser.new_context(viewport=dict(width=width, height=900), color_scheme=scheme).new_page()
                    for p in sorted((root/'_docs').rglob('*.html')):
                        rel = p.relative_to(root/'_docs').as_posix()
                        if 'site_libs' in rel or only not in rel: continue
                        problems += [f'{rel} at {width} px: {o}' for o in look(page, url+rel, url)]
                        if rel=='theory/explorer.html': problems += [f'{rel} at {width} px: {o}' for o in explorer(page)]
                        n += 1
        else:
            with tempfile.TemporaryDirectory() as tmp:
                folder = tracked(Path(tmp)/'files')
                with lab(folder, Path(tmp)/'home') as url:
                    pages = {}
                    for p in sorted((folder/'nbs').rglob('*.ipynb')): # all kernels at work at once: most of the time goes into imports
                        rel = p.relative_to(folder).as_posix()
                        if 'interactive(' not in p.read_text(encoding='utf-8') or only not in rel: continue
                        pages[rel] = browser.new_context(viewport=dict(width=1400, height=900)).new_page()
                        run_all(pages[rel], url, rel)
                    for rel,page in pages.items(): problems += [f'{rel}: {o}' for o in moved(page)]
                    n = len(pages)
    print(*problems, sep='\n')
    print(f"{n} {'pages' if what=='site' else 'notebooks in JupyterLab'}, {len(problems)} problem(s)")
    if problems or not n: raise SystemExit(1)
