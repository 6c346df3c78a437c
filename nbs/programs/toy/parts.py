"What the toy command is made of: each part owns its settings"
from fastcore.meta import delegates


def register_loss(name, **facts): return lambda make: make


def load_data(
    name:str,             # Name of the data
    *,
    limit:int=None,       # Use the first so many images only
    download:bool=False,  # Allow fetching
    transform=None,       # A function: no flag
): return name,limit,download


class Schedule:
    def __init__(self,
        gamma:float=1.,        # Exponent at the first step, >= 0
        gamma_steps:float=.5,  # A share of the run below 1, or a number of steps
        verbose:bool=False,    # Say when it ends
    ): self.gamma = gamma


class Rising(Schedule): "Takes the constructor of its base"


@register_loss('modulated', processes=True)
@delegates(Rising, keep=True, but='verbose')
def modulated(
    threshold:float=None,  # Penalty above which a negative counts, in (0, 1)
    **settings,
): return threshold,settings


@register_loss('softmax')
def softmax(
    gamma:float=9.,     # Known to the first loss already
    floor:float=-1e-3,  # Lowest logit
): return gamma,floor
