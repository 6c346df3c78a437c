"Draw `nbs/assets/card.png`, the picture that stands beside a shared link: the phase diagram and a pair of claims, 1200 by 630."
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sigmoid_cl.optimum import antipodal_bias,etf_bias,optimal_similarity

root = Path(__file__).resolve().parent.parent

def card():
    "The figure"
    fig = plt.figure(figsize=(12, 6.3), dpi=100, facecolor='#16324f')
    fig.text(.05, .8, 'sigmoid_cl', color='w', fontsize=54, weight='bold')
    fig.text(.05, .6, 'Sigmoid contrastive learning\nwith its optimum in closed form', color='w', fontsize=25, linespacing=1.4)
    fig.text(.05, .33, 'exact theory · lean losses · training\nthat shows where it stands', color='#ffc04d', fontsize=21, linespacing=1.5)
    ax = fig.add_axes([.6, .12, .36, .76], facecolor='#eef3f8')
    n,t = 256,np.linspace(.05, 12, 300)
    lo,hi = etf_bias(n, t),antipodal_bias(n, t)
    for a,b,c in ((-14, lo, '#8db9e8'), (lo, hi, '#dfe6ee'), (hi, 10, '#f2b27c')): ax.fill_between(t, np.clip(a, -14, 10), np.clip(b, -14, 10), color=c, lw=0)
    ax.plot(t, -t, ':', color='k', lw=2)
    for x,y,s in ((1, -12.3, 'simplex'), (5.6, -1.2, 'intermediate'), (.6, 7.7, 'antipodal')): ax.text(x, y, s, fontsize=17)
    ax.plot(5, -5, 'o', color='#c0392b', ms=13)
    ax.text(5.4, -4.5, f'{float(optimal_similarity(n, 5., -5.)):.2f}', fontsize=17, color='#c0392b')
    ax.set(xlim=(0, 12), ylim=(-14, 10), xticks=[], yticks=[])
    ax.set_xlabel('scale', color='w', fontsize=17), ax.set_ylabel('bias', color='w', fontsize=17)
    return fig

if __name__=='__main__':
    from PIL import Image
    out = root/'nbs/assets/card.png'
    card().savefig(out)
    Image.open(out).convert('RGB').quantize(64).save(out, optimize=True)
    print(f'{out.relative_to(root)}: {out.stat().st_size/1e3:.0f} kB')
