"Give the lessons the cell that makes them run in Colab, where they are opened alone: it installs the package and goes to the folder whose tables they read."
import json
from pathlib import Path

from fastcore.script import call_parse

root = Path(__file__).resolve().parent.parent
cell = """#| hide
#| eval: false
import os
if 'COLAB_RELEASE_TAG' in os.environ: # in Colab: the package, and the folder from which the tables are found
    os.system('git clone -q --depth 1 https://github.com/sigmoid-cl/sigmoid_cl && pip install -q ./sigmoid_cl')
    os.chdir('sigmoid_cl/{}')"""

def add(
    path, # A notebook
)->bool:  # Whether it was changed
    "Put the cell after the notebook's title, if it is missing"
    nb = json.loads(path.read_text(encoding='utf-8'))
    if any('COLAB_RELEASE_TAG' in ''.join(c['source']) for c in nb['cells']): return False
    at = next(i for i,c in enumerate(nb['cells']) if c['cell_type']=='markdown')+1
    src = cell.format(path.parent.relative_to(root).as_posix())
    nb['cells'].insert(at, dict(cell_type='code', execution_count=None, id='c01ab000', metadata={}, outputs=[], source=src.splitlines(keepends=True)))
    path.write_text(json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True)+'\n', encoding='utf-8')
    return True

@call_parse
def main(
    check:bool=False, # Write nothing; fail when a lesson lacks the cell
):
    "Give every lesson the cell for Colab"
    lessons = [p for d in ('tutorials','theory') for p in sorted((root/'nbs'/d).glob('*.ipynb'))]
    if check:
        lost = [p.name for p in lessons if 'COLAB_RELEASE_TAG' not in p.read_text(encoding='utf-8')]
        if lost: raise SystemExit(f"no cell for Colab in {', '.join(lost)}; run tools/colab.py")
        return print(f'{len(lessons)} lessons with a cell for Colab')
    print(f"{sum(map(add, lessons))} of {len(lessons)} lessons changed")
