"""Install every requirement at its lower bound, run notebooks with it, and write what was tried to `results/lower_bounds.csv`

    python tools/bounds.py [--venv FOLDER] [NOTEBOOK ...]

Without names the notebooks are those that read and write files, and those that train. A folder that holds an environment already is used as it is."""
import argparse,csv,os,subprocess,tempfile,venv
from configparser import ConfigParser
from pathlib import Path

root = Path(__file__).resolve().parent.parent
NOTEBOOKS = '02_optimum 05_checks 10_losses 12_fused 20_files 20_registry 22_views 30_networks 40_callbacks 41_runlog 42_checkpoint 43_learner 45_health 50_evaluate 60_run 61_study'.split()
TOOLS = 'nbdev>=3.3','accelerate' # that run the notebooks

def lowest():
    "The requirements in `settings.ini`, each at its lower bound"
    cfg = ConfigParser(delimiters=['='], interpolation=None)
    cfg.read(root/'settings.ini', encoding='utf-8')
    wanted = cfg['DEFAULT']['requirements'].split()
    if open_ := [o for o in wanted if '>=' not in o]: raise SystemExit(f"without a lower bound: {', '.join(open_)}")
    return [o.replace('>=', '==') for o in wanted]

def environment(folder):
    "Make a virtual environment with the lower bounds, and the tools without moving what is tried"
    if (folder/'bin'/'nbdev-test').exists(): return
    venv.create(folder, with_pip=True)
    for more in ((), TOOLS): subprocess.run([folder/'bin'/'pip', 'install', '-q', *more, *lowest()], check=True)

def installed(folder):
    "Version by package, of the requirements"
    names = [o.partition('==')[0] for o in lowest()]
    code = f'from importlib.metadata import version\nfor o in {names}: print(o, version(o))'
    return dict(o.split() for o in subprocess.run([folder/'bin'/'python', '-c', code], check=True, capture_output=True, text=True).stdout.splitlines())

def passes(folder, notebook):
    "Whether a notebook runs in the environment"
    env = os.environ | dict(PYTHONPATH=str(root), PATH=f"{folder/'bin'}:{os.environ['PATH']}")
    done = subprocess.run([folder/'bin'/'nbdev-test', '--path', root/'nbs'/f'{notebook}.ipynb', '--do-print'], cwd=root, env=env, capture_output=True, text=True)
    if done.returncode: print((done.stdout+done.stderr)[-3000:])
    return done.returncode==0

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--venv', type=Path, help='where the environment is, or is made; a temporary folder when absent')
    p.add_argument('--results', type=Path, default=root/'results'/'lower_bounds.csv')
    p.add_argument('notebooks', nargs='*', default=NOTEBOOKS)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as d:
        folder = args.venv or Path(d)/'venv'
        environment(folder)
        rows = [dict(what='package', name=k, outcome=v) for k,v in installed(folder).items()]
        for o in args.notebooks:
            rows.append(dict(what='notebook', name=o, outcome='passed' if passes(folder, o) else 'failed'))
            print(*rows[-1].values(), flush=True)
            with open(args.results, 'w', newline='') as f:
                out = csv.DictWriter(f, rows[0], lineterminator='\n')
                out.writeheader(), out.writerows(rows)
    raise SystemExit(any(o['outcome']=='failed' for o in rows))
