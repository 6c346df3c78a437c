"A command whose settings are owned by its parts"
from fastcore.meta import delegates
from fastcore.script import store_true
from .parts import load_data as load, softmax


@delegates(softmax, keep=True, but=['gamma'])
@delegates(load, keep=True)
def fit(
    data:str,                # Name of the data
    epochs:int=1,            # How often all images are seen, at least 1
    *,
    centred:bool=True,       # Centre the embeddings
    loud:store_true=False,   # Say it in capitals
    model=None,              # An object: no flag
    **settings,
):
    "Say what would be trained"
    if epochs<1: raise ValueError(f"epochs must be at least 1,\ngot {epochs}")
    if data=='nowhere': raise OSError('nowhere is no folder')
    if data=='broken': raise ValueError('Caught ValueError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n  ...\nValueError: no image: x.png')
    if data=='bug': raise TypeError('a fault of the program')
    if data=='endless': raise KeyboardInterrupt
    said = ' '.join([data, f'{epochs=}', f'{centred=}', *(f'{k}={v}' for k,v in settings.items())])
    print(said.upper() if loud else said)
