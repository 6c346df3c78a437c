"""Folders, tables and archives as people have them: a training on each must use the images that are there, each once, or end in one line that says what is wrong"""
import gzip,re,socket,struct,tarfile,zlib
import numpy as np
from PIL import Image
from forked import *

def picture(path, size=(16, 16), mode='RGB', seed=None, **kw):
    "A picture of noise"
    path.parent.mkdir(parents=True, exist_ok=True)
    gen,(w,h) = np.random.default_rng(abs(hash(path.name))%1000 if seed is None else seed),size
    im = Image.fromarray(gen.integers(256, size=(h, w, 3), dtype=np.uint8)).convert(mode)
    im.save(path, **kw)

def tidy(d, classes=('a','b'), parts=('train','test'), n=8):
    "Eight pictures in each of two classes, for training and for testing: 16 images to train on"
    for part in parts:
        for c in classes:
            for i in range(n): picture(d/part/c/f'{i}.png', seed=i)
    return d

def flat(d, n=16):
    for i in range(n): picture(d/f'{i}.png', seed=i)
    return d

def png(width, height, rows=None):
    "A PNG that says it is of this size, and holds so many rows of zeros"
    chunk = lambda kind,data: struct.pack('>I', len(data))+kind+data+struct.pack('>I', zlib.crc32(kind+data))
    z = zlib.compressobj(1)
    data = b''.join([*(z.compress(bytes(1+width)) for _ in range(rows or height)), z.flush()])
    return b'\x89PNG\r\n\x1a\n'+chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0))+chunk(b'IDAT', data)+chunk(b'IEND', b'')

def beside(*names, data=b'x', links=None):
    "Files beside the pictures of a class"
    def make(d):
        tidy(d)
        for o in names: (p := d/'train'/'a'/o).parent.mkdir(parents=True, exist_ok=True); p.write_bytes(data)
        for k,to in (links or {}).items(): (d/'train'/'a'/k).symlink_to(to)
    return make

def called(*classes): return lambda d: tidy(d, [os.fsdecode(o) if isinstance(o, bytes) else o for o in classes])

def table(text, n=16):
    def make(d):
        flat(d/'pictures', n)
        (d/'t.csv').write_bytes(text if isinstance(text, bytes) else text.encode())
    return make

def lines(n=16, label=True, path='pictures/{}.png'): return ('path,label\n' if label else 'path\n')+''.join(path.format(i)+(f',{"ab"[i%2]}\n' if label else '\n') for i in range(n))

def tar(names=None, cut=None, kind=None):
    def make(d):
        flat(d/'pictures')
        with tarfile.open(d/'t.tar', 'w') as f:
            for i in range(16):
                f.add(d/'pictures'/f'{i}.png', (names or '{}.png').format(i))
                info = tarfile.TarInfo(f'{i}.cls')
                info.size = 1
                f.addfile(info, io.BytesIO(b'ab'[i%2:i%2+1]))
            if kind:
                info = tarfile.TarInfo('x.png')
                info.type,info.linkname = kind,'/etc/passwd'
                f.addfile(info)
        shutil.rmtree(d/'pictures')
        if cut: (d/'t.tar').write_bytes((d/'t.tar').read_bytes()[:cut])
    return make

def fifo(d): tidy(d); os.mkfifo(d/'train'/'a'/'x.png')
def a_socket(d):
    tidy(d)
    here = os.getcwd()
    os.chdir(d/'train'/'a')
    socket.socket(socket.AF_UNIX).bind('x.png')
    os.chdir(here)
def device(d): tidy(d); os.mknod(d/'train'/'a'/'x.png', 0o600|0o020000, os.makedev(1, 5)) # /dev/zero
def linked_twice(d): tidy(d); os.link(d/'train'/'a'/'0.png', d/'train'/'a'/'same.png')
def linked_class(d):
    tidy(d/'there')
    (d/'train').mkdir(), (d/'train'/'a').symlink_to(d/'there'/'train'/'a'), (d/'train'/'b').symlink_to(d/'there'/'train'/'b')
    (d/'test').symlink_to(d/'there'/'test')
def links_to_each_other(d): tidy(d); (d/'train'/'a'/'x').symlink_to(d/'train'/'b'); (d/'train'/'b'/'y').symlink_to(d/'train'/'a')
def deep(d): flat(d.joinpath(*['x']*60))
def many_empty(d):
    flat(d)
    for i in range(2000): (d/f'e{i}').mkdir()
def big(d): tidy(d); (d/'train'/'a'/'big.png').write_bytes(png(13000, 13000))
def bomb(d): tidy(d); (d/'train'/'a'/'bomb.png').write_bytes(png(60000, 60000, rows=1))
def exif(d):
    tidy(d)
    e = Image.Exif()
    e[0x0112] = 6
    for i in range(4): picture(d/'train'/'a'/f'r{i}.jpg', (20, 16), exif=e)
def modes(d):
    tidy(d)
    for m,end in (('L','png'),('LA','png'),('RGBA','png'),('P','png'),('1','png'),('CMYK','jpg'),('I;16','png')): picture(d/'train'/'a'/f'm{m.replace(";","")}.{end}', mode=m if m!='I;16' else 'L')
def sizes(d):
    tidy(d)
    for w,h in ((1,1),(1,200),(200,1),(300,20)): picture(d/'train'/'a'/f's{w}x{h}.png', (w, h))
def formats(d):
    tidy(d)
    for o in ('gif','bmp','webp','tif','ppm'): picture(d/'train'/'a'/f'f.{o}')
def animated(d):
    tidy(d)
    ims = [Image.new('P', (16, 16), i) for i in range(3)]
    ims[0].save(d/'train'/'a'/'x.gif', save_all=True, append_images=ims[1:])
def cut_jpeg(d):
    tidy(d)
    picture(p := d/'train'/'a'/'x.jpg', (64, 64))
    p.write_bytes(p.read_bytes()[:300])
def zipped(d): tidy(d); (d/'train'/'a'/'x.zip').write_bytes(b'PK\x05\x06'+bytes(18))
def arrays(d):
    for c in 'ab':
        for i in range(8):
            (p := d/'train'/c/f'{i}.npy').parent.mkdir(parents=True, exist_ok=True)
            np.save(p, np.random.default_rng(i).integers(256, size=(16, 16, 3), dtype=np.uint8))
def hostile_array(d):
    tidy(d)
    class Evil:
        def __reduce__(self): return os.system, ('touch /tmp/reliability_code_was_run',)
    np.save(d/'train'/'a'/'x.npy', np.array([Evil()], dtype=object), allow_pickle=True)
def mixed_channels(d): tidy(d); np.save(d/'train'/'a'/'x.npy', np.zeros((16, 16, 7), dtype=np.uint8))
def no_test(d): tidy(d, parts=('train',))
def one_image(d): tidy(d); picture(d/'train'/'c'/'0.png'); picture(d/'test'/'c'/'0.png')
def empty_class(d): tidy(d); (d/'train'/'c').mkdir()
def only_in_test(d): tidy(d); picture(d/'test'/'c'/'0.png')
def one_class(d): tidy(d, ('a',))
def upper_case(d): tidy(d, parts=('Train','TEST'))
def val_and_test(d): tidy(d, parts=('train','val','test'))
def loose(d): tidy(d); [picture(d/f'{i}.png') for i in range(3)]
def in_train(d): tidy(d); [picture(d/'train'/f'{i}.png') for i in range(3)]
def empty(d): pass
def empty_train(d): (d/'train').mkdir()
def train_is_file(d): flat(d); (d/'train').write_text('x')
def named_like_a_picture(d): tidy(d); flat(d/'train'/'a'/'x.png', 2)

LONG = 'x'*200
FOLDERS = { # what there is: (how it is made, images that are trained on (a fifth is held out where nothing is for testing) or a part of the error, further flags)
    'link to the folder above': (beside(links=dict(up='..')), 16), 'link to itself': (beside(links=dict(me='me')), 16), 'link to the root': (beside(links=dict(top='../..')), 16), 'broken link': (beside(links={'x.png': 'nowhere.png'}), 16),
    'link to a picture that is there': (beside(links={'x.png': '0.png'}), 16), 'two classes that link to each other': (links_to_each_other, 16), 'classes that are links': (linked_class, 16), 'picture with two names': (linked_twice, 17),
    'pipe': (fifo, 16), 'socket': (a_socket, 16), 'device': (device, 16),
    'notebook checkpoints': (beside('.ipynb_checkpoints/0-checkpoint.png'), 16), 'resource forks': (beside('._0.png', '.DS_Store', '__MACOSX/0.png'), 16), "what Windows leaves": (beside('Thumbs.db', 'desktop.ini'), 16), 'texts': (beside('readme.txt', 'LICENSE', '.gitignore'), 16),
    'empty picture': (beside('x.png', data=b''), 'x.png'), 'empty picture, left out': (beside('x.png', data=b''), 16, '--bad_images', 'skip'), 'text called png': (beside('x.png', data=b'no picture'), 'x.png'), 'html called jpg, left out': (beside('x.jpg', data=b'<html>404</html>'), 16, '--bad_images', 'skip'),
    'JPEG cut off': (cut_jpeg, 'x.jpg'), 'JPEG cut off, left out': (cut_jpeg, 16, '--bad_images', 'skip'), 'archive in a class': (zipped, 16), 'bomb': (bomb, 'bomb.png'), 'bomb, left out': (bomb, 16, '--bad_images', 'skip'), 'picture of 13,000 x 13,000': (big, 'big.png'),
    'turned by EXIF': (exif, 20), 'colour modes': (modes, 23), 'sizes from 1 to 300': (sizes, 20), 'formats': (formats, 21), 'animation': (animated, 17), 'arrays': (arrays, 12), 'hostile array': (hostile_array, 'x.npy'), 'array of other channels': (mixed_channels, 'x.npy'),
    'class $5_$10': (called('cost_$5_$10', 'b'), 16), 'class % and braces': (called('100%', '{x}'), 16), 'class with markup': (called('<script>alert(1)</script>'.replace('/', '|'), 'a&b'), 16), 'class with quotes': (called('"a"', "it's"), 16), 'class with a line break': (called('a\nb', 'c'), 16),
    'class not in UTF-8': (called(b'caf\xe9', 'b'), 16), 'class in other scripts': (called('\u732b', '\u05db\u05dc\u05d1 \U0001f431'), 16), 'class like a flag': (called('--help', '-b'), 16), 'class with spaces': (called(' a ', 'b c'), 16), 'class of 200 letters': (called(LONG, 'b'), 16), 'class that is a number': (called('0', '1e5'), 16),
    'class called nan': (called('nan', 'None'), 16), 'hidden class': (called('.a', 'b', 'c'), 16), 'class like a picture': (named_like_a_picture, 18),
    'no test folder': (no_test, 12), 'class of one picture': (one_image, 17), 'empty class': (empty_class, 16), 'class only in test': (only_in_test, 'different classes'), 'one class': (one_class, 8), 'upper case': (upper_case, 32), 'val and test': (val_and_test, 16), 'pictures beside train': (loose, 16), 'pictures beside classes': (in_train, 16),
    'nothing': (empty, 'no images'), 'empty train': (empty_train, 'no images'), 'train is a file': (train_is_file, 16), 'sixty folders deep': (deep, 16), 'two thousand empty folders': (many_empty, 16),
    'table': (table(lines()), 12), 'table without labels': (table(lines(label=False)), 16), 'table with a mark (BOM)': (table(b'\xef\xbb\xbf'+lines().encode()), 12), 'table of Windows': (table(lines().replace('\n', '\r\n')), 12), 'table with semicolons': (table(lines().replace(',', ';')), 't.csv'),
    'table of a missing file': (table(lines(17)), '16.png'), 'table without a column path': (table(lines().replace('path', 'where')), 'path'), 'empty table': (table(''), 't.csv'), 'table with a header only': (table('path,label\n'), 't.csv'), 'table with zeros': (table(lines().encode()+bytes(99)), 't.csv'),
    'table not in UTF-8': (table(lines().encode()+b'pictures/caf\xe9.png,a\n'), 't.csv'), 'table with a torn line': (table(lines()+'pictures/0.png,a,b,c\n'), 't.csv'), 'table with a line twice': (table(lines()+'pictures/0.png,a\n'), 13), 'table with paths above': (table(lines(path='../tried/pictures/{}.png')), 12),
    'archive': (tar(), 12), 'archive cut off': (tar(cut=5000), 't.tar'), 'archive cut in a header': (tar(cut=1024+100), 't.tar'), 'archive with paths above': (tar('../../{}.png'), 12), 'archive with a link': (tar(kind=tarfile.SYMTYPE), 12), 'archive with a device': (tar(kind=tarfile.CHRTYPE), 12), 'empty archive': (lambda d: (d/'t.tar').write_bytes(bytes(10240)), 't.tar'),
}
SHORT = '--encoder','resnet8_w4','--size','16','--epochs','1','--bs','4','--n_local','1','--no_baselines','--num_workers','0','--amp','none'

if __name__=='__main__':
    with trials(__doc__, 'folders', 'case') as (rows,d):
        proof = Path('/tmp/reliability_code_was_run')
        proof.unlink(missing_ok=True)
        for case, in rows.missing(*[(o,) for o in FOLDERS]):
            make,want,*flags = FOLDERS[case]
            for o in ('tried','run'): shutil.rmtree(d/o, ignore_errors=True)
            (folder := d/'tried').mkdir()
            make(folder)
            data = next((folder/o for o in ('t.csv','t.tar') if (folder/o).exists()), folder)
            row,text = judged(cli.scl_train, '--data', data, '--out', d/'run', *SHORT, *flags, d=d, codes=(2,) if isinstance(want, str) else (0,))
            found = re.search(r': (\d+) images of ', text)
            if isinstance(want, str): right = want in text
            else: right = found is not None and int(found[1])==want
            if not right: print(text[-1500:])
            rows.add(case=case, wanted=want, images=found[1] if found else '', right=right, **row)
        assert not proof.exists()
    print(f"{len(rows.rows)} folders, {sum(bool(o['fault']) for o in rows.rows)} faults, {sum(o['right'] in (True,'True') for o in rows.rows)} as wanted")
