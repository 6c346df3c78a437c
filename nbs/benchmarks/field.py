"""A real folder of images through the command, from nothing to scores and features; appends a row to results/field.csv.

    python field.py FOLDER [--name NAME] [--minutes 8] [--flags '--centred'] [--labels FOLDER]
    python field.py FOLDER --flags '--epochs 4 --size 48'     # where other programs make minutes mean little

FOLDER is what a user has: `train/CLASS/*` and `test/CLASS/*`, or pictures without classes. For the latter `--labels` names a
folder of the first kind, whose labels judge the features afterwards; training never sees them.
"""
import argparse,csv,json,os,subprocess,sys,tempfile,time
from pathlib import Path
from sigmoid_cl.runlog import read_json,versions

OUT = Path(__file__).resolve().parents[2]/'results'/'field.csv'

def command(name, *argv):
    "Run a command and print its lines; the seconds after which each came, and the line"
    start,said = time.time(),[]
    program = [sys.executable, '-u', '-c', f'from sigmoid_cl.cli import {name}; {name}()', *map(str, argv)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as p:
        for line in p.stdout:
            said.append((time.time()-start, line.rstrip()))
            print(f'{said[-1][0]:7.1f} s  {said[-1][1]}', flush=True)
    if p.returncode: raise SystemExit(p.returncode)
    return said+[(time.time()-start, '')]

def when(said, text): return next((t for t,line in said if line.startswith(text)), None)

def scores_of(m):
    few = {f'{net}_{k}': v for k,o in m.get('few_labels', {}).items() for net,v in o.items()}
    return {k: m.get(k) for k in ('linear_probe','knn_probe','raw_pixels','random_encoder')} | few

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folder', type=Path)
    p.add_argument('--name', help='in the table; that of the folder when absent')
    p.add_argument('--minutes', type=float, default=8., help='of training, unless the flags say --epochs')
    p.add_argument('--flags', default='', help='further flags of scl_train')
    p.add_argument('--labels', type=Path, help='a folder with classes that judges features of one without')
    p.add_argument('--out', type=Path, default=OUT)
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as d:
        run,load,start = Path(d)/'run',os.getloadavg()[0],time.time()
        length = [] if '--epochs' in a.flags else ['--minutes', a.minutes]
        said = command('scl_train', '--data', a.folder, *length, '--out', run, *a.flags.split())
        encoder = (run/'encoder.safetensors').stat().st_mtime-start
        m = read_json(run/'metrics.json')
        c,scores = m['config'],scores_of(m)
        if a.labels:
            command('scl_eval', run, '--data', a.labels, '--num_workers', 0, '--out', Path(d)/'scores.json')
            scores = scores_of(read_json(Path(d)/'scores.json'))
        times = [t for t,_ in said]
        at = when(said, 'probing') or encoder
        row = dict(name=a.name or a.folder.name, labels='afterwards' if a.labels else 'probes only', minutes=a.minutes if length else None, flags=a.flags,
                   **{k: c[k] for k in ('encoder','size','epochs','bs','lr','amp','seed')}, steps=m['steps'], images_per_second=m['images_per_second'],
                   seconds_training=m['seconds'], seconds_to_encoder=encoder, seconds_after=times[-1]-at, seconds_in_all=times[-1],
                   longest_silence_after=max((y-x for x,y in zip(times, times[1:]) if x>=at), default=times[-1]-at), **scores,
                   load_before=load, load_after=os.getloadavg()[0], niceness=os.nice(0), versions=' '.join(f'{k} {v}' for k,v in versions().items()))
    there = list(csv.DictReader(a.out.open())) if a.out.exists() else []
    rows = there+[{k: f'{v:.5g}' if isinstance(v, float) else v for k,v in row.items()}]
    with a.out.open('w', newline='') as f:
        w = csv.DictWriter(f, list(dict.fromkeys(k for o in rows for k in o)))
        w.writeheader()
        w.writerows(rows)

if __name__=='__main__': main()
