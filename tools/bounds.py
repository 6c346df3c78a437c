"Install every requirement at its lower bound in a new virtual environment, and run notebooks there; without names, those of the layer that writes and reads files."
import os,subprocess,sys,tempfile,venv
from configparser import ConfigParser
from pathlib import Path

root = Path(__file__).resolve().parent.parent
notebooks = sys.argv[1:] or [f'nbs/{o}.ipynb' for o in ('05_checks','20_registry','41_runlog','42_checkpoint','45_health','60_run','61_study')]

cfg = ConfigParser(delimiters=['='], interpolation=None)
cfg.read(root/'settings.ini', encoding='utf-8')
lowest = [o.replace('>=', '==') for o in cfg['DEFAULT']['requirements'].split()]
with tempfile.TemporaryDirectory() as d:
    venv.create(d, with_pip=True)
    python = Path(d)/'bin'/'python'
    run = lambda *args: subprocess.run([str(python), '-m', *args], check=True, cwd=root, env=os.environ | dict(PYTHONPATH=str(root)))
    run('pip', 'install', '-q', *lowest)
    run('pip', 'install', '-q', 'nbdev>=3.3', 'accelerate', *lowest) # the tools, without moving what is tried
    for o in notebooks: subprocess.run([str(Path(d)/'bin'/'nbdev-test'), o], check=True, cwd=root)
print(*lowest, sep='\n')
