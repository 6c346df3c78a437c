"User code for `--use`: a loss with an option of its own"
from toy.parts import register_loss


@register_loss('hinge')
def hinge(
    margin:float=.2,   # Distance wanted between the cosines, > 0
    gamma:float=2.,    # Its own exponent
): return margin,gamma


print('own_loss is imported')
