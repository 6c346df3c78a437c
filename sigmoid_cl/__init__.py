"""Modules:

- `sigmoid_cl.fused`: The sigmoid losses in memory linear in the batch
- `sigmoid_cl.losses`: Sigmoid, modulated and filtered contrastive losses, and the softmax losses they are measured against, each as one equation and one short function"""

__version__ = "0.1.0"
