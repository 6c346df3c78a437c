"""Contrastive learning with the pairwise sigmoid loss, plain (SCL, the loss of SigLIP) and modulated (MSCL), for images without labels. Three things that
belong together: the embeddings that minimise the loss, in closed form; the losses, once as definitions and once fast and in linear memory; and training
on fastai that reports at every step where the embeddings stand relative to that optimum.

Modules:

- `sigmoid_cl.ccem_cli`: The synthetic experiments from the command line: a table and a figure for each
- `sigmoid_cl.data`: Image sets by name, and batches of views for fastai: `load_data('cifar10', root)` gives images without labels for pretraining, and labelled images for the probes
- `sigmoid_cl.fused`: The sigmoid losses in memory linear in the batch
- `sigmoid_cl.losses`: Sigmoid, modulated and filtered contrastive losses, and the softmax losses they are measured against, each as one equation and one short function
- `sigmoid_cl.synthetic`: Many optimisations of free embeddings, or of small encoders, as one batched program (section 5 of Lee et al., "Analysis of Using Sigmoid Loss for Contrastive Learning")
- `sigmoid_cl.views`: `MultiCrop`: two large and four small random views of every image in a batch, on the device, as three matrix products"""

__version__ = "0.1.0"
