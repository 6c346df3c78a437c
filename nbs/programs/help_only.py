"Help and version of all commands, and what was imported for it"
import sys
from contextlib import suppress
from sigmoid_cl import cli

for command in (cli.scl_train, cli.scl_eval, cli.scl_study, cli.scl_ccem, cli.scl_embed, cli.scl_export):
    for flag in ('--help', '--version'):
        with suppress(SystemExit): command([flag])
print('imported:', *sorted({'torch', 'fastai', 'numpy', 'matplotlib', 'pandas'} & sys.modules.keys()))
