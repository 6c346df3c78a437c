"Build the source archive and the wheel, and check what is in them and where it comes from."
import ast,os,re,shutil,subprocess,sys,tarfile,tempfile,tomllib,zipfile
from configparser import ConfigParser
from email import message_from_bytes
from importlib.metadata import packages_distributions,requires
from pathlib import Path

from fastcore.script import call_parse

root = Path(__file__).resolve().parent.parent
name = 'sigmoid_cl'
run = lambda *args, **kw: subprocess.run(args, check=True, **kw)

def tracked(
    dest:Path, # A new folder
):
    "Copy the repository's own files to `dest`"
    for f in subprocess.check_output(['git', 'ls-files', '-z'], cwd=root, text=True).strip('\0').split('\0'):
        if not (root/f).is_file(): continue
        (dest/f).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root/f, dest/f)
    return dest

def build(
    src:Path,     # A project folder
    backend:Path, # Folder that holds the build requirements
)->Path:          # The wheel
    "Build a source archive of `src`, and the wheel from that archive alone"
    env,dist = {**os.environ, 'PYTHONPATH':str(backend)},src.parent/f'{src.name}-dist'
    dist.mkdir()
    hook = lambda o: [sys.executable, '-c', f'import sys; from setuptools import build_meta as b; b.{o}(sys.argv[1])', str(dist)]
    run(*hook('build_sdist'), cwd=src, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sdist = next(dist.glob('*.tar.gz'))
    with tarfile.open(sdist) as f: f.extractall(dist, filter='data')
    run(*hook('build_wheel'), cwd=dist/sdist.name.removesuffix('.tar.gz'), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return next(dist.glob('*.whl'))

def facts(
    wheel:Path, # A wheel
)->dict:        # What an installer reads from it
    "Version, summary, requirements, scripts and file names of a wheel"
    with zipfile.ZipFile(wheel) as z:
        info = lambda f: z.read(next(o for o in z.namelist() if o.endswith(f'.dist-info/{f}')))
        meta,eps = message_from_bytes(info('METADATA')),ConfigParser(delimiters=['='])
        eps.optionxform = str
        eps.read_string(info('entry_points.txt').decode())
        return dict(version=meta['Version'], description=meta['Summary'], keywords=meta['Keywords'],
            requires=[norm(o) for o in meta.get_all('Requires-Dist')], scripts=dict(eps['console_scripts']), files=set(z.namelist()))

def norm(
    req:str, # A requirement
)->str:      # The same without blanks and quotes, bounds in order
    "One spelling for `a<2,>=1` and `a >= 1, < 2`"
    req,_,mark = re.sub(r'[\s"\']', '', req).partition(';')
    m = re.match(r'[\w.\[\]-]+', req)
    return f"{m[0].lower()}{','.join(sorted(req[m.end():].split(',')))};{mark}".rstrip(';')

def expected(
    src:Path, # A project folder
)->dict:      # The same keys as `facts`
    "What `settings.ini` and `__init__.py` say, each fact read from the one place where it stands"
    cfg = ConfigParser(delimiters=['='], interpolation=None)
    cfg.read(src/'settings.ini', encoding='utf-8')
    cfg = cfg['DEFAULT']
    version = re.search(r'^__version__ = "(.+)"', (src/name/'__init__.py').read_text(encoding='utf-8'), re.M)[1]
    reqs = [norm(o) for o in cfg['requirements'].split()]
    extra = [(norm(o), k.removesuffix('_requirements')) for k in cfg if k.endswith('_requirements') for o in cfg[k].split()]
    extra = [f"{o.split(';')[0]};{'('+o.split(';')[1]+')and' if ';' in o else ''}extra=={k}" for o,k in extra]
    modules = {p.relative_to(src).as_posix() for kind in ('*.py', 'studies/*.toml') for p in (src/name).rglob(kind)}
    info = {f'{name}-{version}.dist-info/{o}' for o in ('METADATA','WHEEL','RECORD','entry_points.txt','top_level.txt','licenses/LICENSE')}
    return dict(version=version, description=cfg['description'], keywords=','.join(cfg['keywords'].split()), requires=reqs+extra,
        scripts=dict(re.split(r'\s*=\s*', o.strip(), maxsplit=1) for o in cfg['console_scripts'].splitlines() if o.strip()), files=modules|info)

def compare(
    src:Path,   # A project folder
    wheel:Path, # The wheel built from it
):
    "Fail where the wheel says something else than the files it comes from"
    got,want = facts(wheel),expected(src)
    for k in want:
        g,w = (sorted(o) if isinstance(o, (set,list)) else o for o in (got[k],want[k]))
        if g!=w: raise SystemExit(f"{k} of {wheel.name}:\n  wheel    {g}\n  expected {w}")
    return got

def declared(
    reqs, # Requirements
)->set:   # Names in their normal spelling
    "The packages that `reqs` always bring, those of extras left out"
    return {re.match(r'[\w.-]+', o)[0].lower().replace('_','-') for o in reqs if 'extra' not in o}

def change(
    src:Path,  # A project folder
    file:str,  # The one place where the fact stands
    old:str,   # What stands there, once
    new:str,   # What is to stand there
):
    "Change one fact in one place"
    text = (src/file).read_text(encoding='utf-8')
    if text.count(old)!=1: raise SystemExit(f"{old!r} stands {text.count(old)} times in {file}, not once")
    (src/file).write_text(text.replace(old, new), encoding='utf-8')

def imports(
    path:Path, # A module
)->set:        # Names of top-level packages
    "What a module imports as soon as it is imported"
    tree = ast.parse(path.read_text(encoding='utf-8'))
    mods = [a.name for o in tree.body if isinstance(o, ast.Import) for a in o.names]
    mods += [o.module for o in tree.body if isinstance(o, ast.ImportFrom) and not o.level]
    return {o.split('.')[0] for o in mods} - sys.stdlib_module_names - {name}

@call_parse
def main():
    "Build the wheel, check its contents, its scripts and its requirements, and that each fact has a single source"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        backend = tmp/'backend'
        needs = tomllib.loads((root/'pyproject.toml').read_text(encoding='utf-8'))['build-system']['requires']
        run(sys.executable, '-m', 'pip', 'install', '-q', '--target', backend, *needs)
        src = tracked(tmp/'asis')
        wheel = build(src, backend)
        got = compare(src, wheel)
        print(f"{wheel.name}: {len(got['files'])} files, {len(got['scripts'])} scripts, {len(got['requires'])} requirements, as in settings.ini and __init__.py")

        dists,reqs = packages_distributions(),declared(got['requires'])
        reqs |= {o for r in reqs for o in declared(requires(r) or [])} # pillow, say, which fastai always brings
        for p in sorted((src/name).glob('*.py')):
            lost = {o for o in imports(p) if not declared(dists.get(o, [])) & reqs}
            if lost: raise SystemExit(f"{p.name} imports {', '.join(sorted(lost))}, which is not in `requirements`")

        there = tmp/'there'
        run(sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--target', there, wheel)
        for s in got['scripts']:
            res = subprocess.run([sys.executable, there/'bin'/s, '--help'], cwd=tmp, env={**os.environ, 'PYTHONPATH':str(there)}, stdout=subprocess.PIPE, text=True)
            if res.returncode or 'usage' not in res.stdout.lower(): raise SystemExit(f"`{s} --help` fails when only the wheel is there")
        print(f"{', '.join(got['scripts'])}: answer --help from the wheel's files alone")

        src = tracked(tmp/'changed')
        change(src, f'{name}/__init__.py', f'__version__ = "{got["version"]}"', '__version__ = "99.1.2"')
        change(src, 'settings.ini', ' numpy>=1.26.4 ', ' numpy>=1.99 ')
        change(src, 'settings.ini', 'dev_requirements = ', 'dev_requirements = pip>=1 ')
        change(src, 'settings.ini', 'scl_train=', 'scl_renamed=')
        change(src, 'settings.ini', 'description = ', 'description = Changed. ')
        new = compare(src, build(src, backend))
        same = [k for k in ('version','description','requires','scripts') if new[k]==got[k]]
        if same: raise SystemExit(f"changed in its one place, yet the same in the wheel: {same}")
        print("version, description, requirement and script: changed in one place each, and the wheel follows")
