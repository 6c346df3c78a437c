"""Images per second of the 2+4 views: `MultiCrop` on a batch against per-image transforms, in interleaved rounds.

    python nbs/benchmarks/views.py            # writes results/views_speed.csv, under a minute

One thread throughout. Every round times each way on the same images, one after the other, so that a slow moment of the machine meets all of them. Wall time
and processor time are both kept: images per second and core is per second of processor time, which other programs disturb less.
"""
import argparse, csv, os, platform, time
from pathlib import Path

import numpy as np, PIL, torch, torchvision
from PIL import Image
from sklearn.datasets import load_sample_images
from torchvision import transforms as T1
from torchvision.transforms import v2 as T2

from sigmoid_cl.views import MultiCrop


def cpu_name():
    try: return next(o.split(':')[1].strip() for o in open('/proc/cpuinfo') if o.startswith('model name'))
    except (OSError, StopIteration): return platform.processor() or platform.machine()


def photographs(n, size, rng):
    "Random squares of two photographs, scaled to `size`: uint8 (n, 3, size, size)"
    ims = [Image.fromarray(o) for o in load_sample_images().images]
    out = []
    for i in range(n):
        side = int(rng.integers(size, 400))
        x, y = int(rng.integers(0, 640-side)), int(rng.integers(0, 427-side))
        out.append(np.asarray(ims[i % 2].resize((size, size), Image.BILINEAR, box=(x, y, x+side, y+side))))
    return torch.from_numpy(np.stack(out)).permute(0, 3, 1, 2).contiguous()


def per_image(T, size, to_float):
    "The poster's two pipelines for one image, in torchvision's transforms"
    kernel = int(size*.1)//2*2+1
    def pipe(side, scale, solarize):
        tfms = [T.RandomResizedCrop(side, scale=scale), T.RandomHorizontalFlip(), T.RandomApply([T.ColorJitter(.8, .8, .8, .2)], p=.8),
                T.RandomGrayscale(p=.2), T.GaussianBlur(kernel, (.1, 2.))]
        return T.Compose(tfms + ([T.RandomSolarize(127, p=.2)] if solarize else []) + to_float)
    large, small = pipe(size, (.1, 1.), True), pipe(int(size*3/7), (.05, 1.), False)
    return lambda im: [large(im) for _ in range(2)] + [small(im) for _ in range(4)]


def ways(size, x):
    "Name -> function giving the six batches of views"
    few = x[:max(1, len(x)//4)] # enough for the slow ways, whose time per image does not depend on the number of images
    pil = [Image.fromarray(o) for o in few.permute(0, 2, 3, 1).numpy()]
    on_pil = per_image(T1, size, [T1.ToTensor()])
    on_tensor = per_image(T2, size, [T2.ToDtype(torch.float32, scale=True)])
    batch = lambda f, ims: [torch.stack(v) for v in zip(*map(f, ims))]
    crop = MultiCrop(size)
    return {'PIL images, one by one': lambda: batch(on_pil, pil), 'tensors, one by one': lambda: batch(on_tensor, few), 'MultiCrop': lambda: crop(x)}


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--rounds', type=int, default=7)
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--out', type=Path, default=Path(__file__).resolve().parents[2]/'results'/'views_speed.csv')
    a = p.parse_args()
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    torch.set_num_threads(1)
    rows, names = [], []
    for size, n in ((32, 256), (96, 64)):
        fs = ways(size, photographs(n, size, rng))
        names = list(fs)
        for f in fs.values(): f() # warm up
        for r in range(a.rounds):
            for name, f in fs.items():
                reps = 4 if name == 'MultiCrop' else 1
                t, c = time.perf_counter(), time.process_time()
                for _ in range(reps): out = f()
                s, c = time.perf_counter()-t, time.process_time()-c
                b, small = len(out[0]), int(size*3/7)
                assert [tuple(o.shape) for o in out] == [(b, 3, size, size)]*2 + [(b, 3, small, small)]*4
                rows.append(dict(size=size, way=name, round=r, images=b*reps, seconds=round(s, 5), images_per_second=round(b*reps/s, 1), cpu_seconds=round(c, 5),
                                 images_per_core_second=round(b*reps/c, 1), threads=1, load=round(os.getloadavg()[0], 2), seed=a.seed, cpu=cpu_name(),
                                 python=platform.python_version(), torch=torch.__version__, torchvision=torchvision.__version__, pillow=PIL.__version__))
    a.out.parent.mkdir(exist_ok=True)
    tmp = a.out.with_suffix('.tmp')
    with open(tmp, 'w', newline='') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader(); w.writerows(rows)
    tmp.replace(a.out)
    for size in (32, 96):
        speed = {k: np.median([o['images_per_core_second'] for o in rows if o['size'] == size and o['way'] == k]) for k in names}
        for k, v in speed.items(): print(f"{size} px  {k:24s} {v:9.0f} images/s and core {v/speed['PIL images, one by one']:5.1f} x")


if __name__ == '__main__': main()
