"Hands the metadata of `settings.ini` and the version of `sigmoid_cl/__init__.py` to setuptools; the rest is in `pyproject.toml`."
import re
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup

here = Path(__file__).parent
cfg = ConfigParser(delimiters=['='], interpolation=None)
cfg.read(here/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']
lines = lambda key: [o.strip() for o in cfg[key].splitlines() if o.strip()]

setup(
    version=re.search(r'^__version__\s*=\s*"([^"]+)"', (here/'sigmoid_cl/__init__.py').read_text(encoding='utf-8'), re.M)[1],
    description=cfg['description'],
    keywords=cfg['keywords'].split(),
    classifiers=lines('classifiers'),
    install_requires=cfg['requirements'].split(),
    extras_require={k.removesuffix('_requirements'): cfg[k].split() for k in cfg if k.endswith('_requirements')},
    entry_points={'console_scripts': lines('console_scripts'), 'nbdev': ['sigmoid_cl=sigmoid_cl._modidx:d']},
)
