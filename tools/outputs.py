"Fail when a saved output of a notebook holds a warning, a traceback or a path of somebody's machine."
import json,re
from pathlib import Path

root = Path(__file__).resolve().parent.parent
machine = re.compile(r'/(?:home|root|Users|work|tmp)/|[A-Z]:\\\\Users')

def problems(
    path, # A notebook
)->list:  # One line for each
    "What a reader should not see"
    res = []
    for c in json.loads(path.read_text(encoding='utf-8'))['cells']:
        for o in c.get('outputs', []):
            text = json.dumps({k: v for k,v in o.get('data', {}).items() if not k.startswith('image/')}) + ''.join(o.get('text', ''))
            why = 'an error' if o['output_type']=='error' else 'a warning' if o.get('name')=='stderr' else 'a path of a machine' if machine.search(text) else None
            if why: res.append(f"{path.relative_to(root)}, cell {c.get('id')}: {why}")
    return res

if __name__=='__main__':
    notebooks = [p for p in sorted((root/'nbs').rglob('*.ipynb')) if not any(o.startswith(('.','_')) for o in p.relative_to(root).parts)]
    found = [o for p in notebooks for o in problems(p)]
    print(*found, sep='\n')
    print(f"{len(notebooks)} notebooks, {len(found)} problem(s) in saved outputs")
    raise SystemExit(bool(found))
