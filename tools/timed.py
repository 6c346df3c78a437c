"Run a command that ends in `nbdev-test`, say how long each notebook took, and count those that passed and failed."
import os,re,subprocess,sys,time
from pathlib import Path

from fastcore.script import call_parse

root = Path(__file__).resolve().parent.parent

def notebooks():
    "The notebooks that `nbdev-test` runs"
    hidden = lambda p: any(o[0] in '._' for o in p.relative_to(root/'nbs').parts)
    return sorted(p for p in (root/'nbs').rglob('*.ipynb') if not hidden(p) and not (p.parent/'.notest').exists())

def follow(
    cmd:str, # Shell command; its `nbdev-test` is asked to name each notebook as it starts and ends
)->tuple:    # Exit code, seconds by path of the notebooks that ended, names of those that failed
    "Run `cmd`, pass its output on, and note what it says about notebooks"
    env = {**os.environ, 'PYTHONUNBUFFERED':'1'}
    p = subprocess.Popen(['bash', '-c', f'{cmd} --do-print'], cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors='replace')
    began,took,failed,listing = {},{},[],False
    for line in p.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        for what,path in re.findall(r'(Starting|- Completed) (/.+?\.ipynb)', line): # workers may share a line
            if what=='Starting': began[path] = time.time()
            else: took[path] = time.time()-began[path]
        if 'Tests Failed On The Following Notebooks' in line: listing = True
        elif listing and line.startswith('\t'): failed.append(line.strip())
    return p.wait(),took,failed

@call_parse
def main(
    cmd:str,      # The command
    tally:str='', # Write `N passed, N failed` to this file
):
    "Run a command that ends in `nbdev-test`; time and count its notebooks"
    nbs = notebooks()
    code,took,failed = follow(cmd)
    # a notebook that never ended took its worker down with it: it failed, though no list names it
    lost = [p for p in nbs if str(p) not in took]
    print(f"\nSeconds of each notebook ({sum(took.values()):.0f} in all):")
    for p in sorted(nbs, key=lambda o: -took.get(str(o), 1e9)):
        note = '  did not end' if p in lost else '  FAILED' if p.name in failed else ''
        print(f"{took.get(str(p), float('nan')):8.1f}  {p.relative_to(root)}{note}")
    bad = len(failed)+len(lost)
    if tally: Path(tally).write_text(f'{len(nbs)-bad} passed, {bad} failed\n')
    if code or bad or not nbs: raise SystemExit(1)
