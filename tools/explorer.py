"Compare the explorer's formulas, which run in the reader's browser, with Python at 200 points: by node where there is one, else in Chromium."
import json,shutil,subprocess
from pathlib import Path

import numpy as np
from sigmoid_cl.optimum import antipodal_bias,ccem_loss,etf_batch_limit,etf_bias,optimal_delta,optimal_x,phase,suggest_bias

root = Path(__file__).resolve().parent.parent
script = root/'nbs/assets/explorer.js'
call = """p => { const x = optimum.place(p.n, p.t, p.b, p.g);
    return [1-2*x, optimum.loss(x, p.n, p.t, p.b, p.g), optimum.etfBias(p.n, p.t), optimum.antipodalBias(p.n, p.t), optimum.suggestBias(p.n, p.t), optimum.batchLimit(p.t, p.b), optimum.phase(p.n, p.t, p.b)] }"""

def points(
    k=200, # How many
)->list:   # Dicts of n, t, b, g
    "Random settings within the explorer's ranges, the published starts among them; half of them without gamma"
    rng = np.random.default_rng(0)
    n,t = np.floor(10**rng.uniform(np.log10(3), 6, k)),rng.uniform(.1, 14, k)
    b,g = rng.uniform(-14, 10, k),np.where(np.arange(k)%2, rng.uniform(.05, 3, k), 0.)
    n[:4],t[:4],b[:4],g[:4] = (256,1024,4096,3),(5,5,5,1),(-5,-5,-5,0),(0,.25,1,.5)
    return [dict(n=int(n[i]), t=t[i], b=b[i], g=g[i]) for i in range(k)]

def theirs(
    pts, # From `points`
)->list: # A list of numbers a point, and who worked them out
    "What the script says"
    args = json.dumps(pts)
    if node := shutil.which('node'):
        code = f'const optimum = require({json.dumps(str(script))}); console.log(JSON.stringify({args}.map({call})))'
        return json.loads(subprocess.run([node, '-e', code], capture_output=True, text=True, check=True).stdout),'node'
    from browser import chromium
    with chromium() as browser:
        if not browser: return None,'neither node nor Chromium is here'
        page = browser.new_page()
        page.add_script_tag(content=script.read_text(encoding='utf-8'))
        return page.evaluate(f'{args}.map({call})'),'Chromium'

if __name__=='__main__':
    pts = points()
    got,who = theirs(pts)
    if got is None: raise SystemExit(print(f'not tested: {who}'))
    n,t,b,g = (np.array([p[k] for p in pts]) for k in 'ntbg')
    x = optimal_x(n, t, b, g)
    want = {'cosine': 1-2*x, 'loss': ccem_loss(n, optimal_delta(n, t, b, g), t, b, g), 'etf_bias': etf_bias(n, t), 'antipodal_bias': antipodal_bias(n, t),
        'suggest_bias': suggest_bias(n, t), 'etf_batch_limit': etf_batch_limit(t, b)}
    for i,(k,w) in enumerate(want.items()):
        v = np.array([float(o[i]) for o in got])
        err = np.abs(v-w)/np.maximum(1, np.abs(w))
        print(f'{k:>16} {err.max():.1e}')
        if not err.max()<1e-9: raise SystemExit(f'{k} differs at {pts[int(err.argmax())]}: {v[err.argmax()]} in {who}, {w[err.argmax()]} in Python')
    if [o[6] for o in got]!=phase(n, t, b).tolist(): raise SystemExit('phases differ')
    print(f'{len(pts)} points in {who} and Python: within 1e-9')
