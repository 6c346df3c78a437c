"""Contrastive learning with the pairwise sigmoid loss, plain (SCL, the loss of SigLIP) and modulated (MSCL), for images without labels. Three things that
belong together: the embeddings that minimise the loss, in closed form; the losses, once as definitions and once fast and in linear memory; and training
on fastai that reports at every step where the embeddings stand relative to that optimum.

Modules:

- `sigmoid_cl.backbones`: An encoder that you already have: any model of timm or torchvision, with weights from a file, and its names unchanged when it leaves
- `sigmoid_cl.callbacks`: The training method, one callback per idea: the target network, the schedule of gamma, the filter, and the instruments that watch them
- `sigmoid_cl.ccem`: The synthetic experiments, one function each: a table beside the theory, and a figure
- `sigmoid_cl.certificate`: What is proved at a point: whether anything on the curve, or any embedding at all, can be better than the CCEM minimum.
- `sigmoid_cl.checkpoint`: A run that was stopped continues as if nothing had happened, to the last bit
- `sigmoid_cl.checks`: One number, one range, one count, one choice: checked once, with the argument's name in the message
- `sigmoid_cl.cli`: The six commands, and how their flags are read from the source: `--help` does not wait for torch
- `sigmoid_cl.contrasts`: Which differences a table of runs can tell, with one rule for all of them and its rate of error
- `sigmoid_cl.data`: Image sets by name, and batches of views for fastai: `load_data('cifar10', root)` gives images without labels for pretraining, and labelled images for the probes
- `sigmoid_cl.distributed`: Every process keeps its rows, the target rows travel around a ring, and no process ever sees the whole batch
- `sigmoid_cl.embed`: `scl_embed` writes features of a folder and finds neighbours, `scl_export` writes an encoder for other programs, and a card of five lines says what an encoder is
- `sigmoid_cl.embeddings`: Simplex ETF, antipodal pairs, and the one-parameter family (CCEM) that joins them.
- `sigmoid_cl.evaluate`: What a trained network is worth and what it sees: probes of frozen features with many labels and with few, their baselines, and the pairs that are still hard
- `sigmoid_cl.files`: Which files of an untidy folder are images, which of them can be read, and how one is read: eight bits, any number of channels
- `sigmoid_cl.fused`: SCL, MSCL and filtering in memory linear in the batch, with the gradient worked out while each tile is in cache
- `sigmoid_cl.health`: A run whose loss has become NaN stops; one that learns nothing says so
- `sigmoid_cl.kernel`: Between two matrix products, everything that happens to a tile of logits in one pass over memory
- `sigmoid_cl.learner`: `contrastive_learner(dls)` puts networks, loss and callbacks together and returns a fastai `Learner`
- `sigmoid_cl.losses`: Sigmoid, modulated and filtered contrastive losses, and the softmax losses they are measured against, each as one equation and one short function
- `sigmoid_cl.margins`: What one pair costs, how hard it pulls, where its cost stops being convex, and the largest convex function below it.
- `sigmoid_cl.networks`: The encoder that makes features, the projector that makes embeddings, and the two numbers the sigmoid loss learns
- `sigmoid_cl.optimum`: Where the sigmoid loss wants the embeddings to be, for any batch size, scale, bias and gamma.
- `sigmoid_cl.page`: One file that can be sent to somebody: what was trained, how it went, what it is worth
- `sigmoid_cl.processes`: `with on_processes(learn): learn.fit(...)`: every process takes its part of each batch, and the loss is that of the whole
- `sigmoid_cl.registry`: One table for each kind of thing that a run picks by name: losses, encoders, data sets
- `sigmoid_cl.run`: `train` pretrains on images and ends with a table: what the features are worth, beside raw pixels and the same encoder untrained
- `sigmoid_cl.runlog`: A row a step, a file that is whole or not there, pictures in one style, and an encoder that loads without running code
- `sigmoid_cl.selection`: Where the positives of a tile of pairs are, and which negatives pass a filter, without a matrix of all pairs
- `sigmoid_cl.study`: `scl_study` runs a declared grid of trainings, survives being killed, and keeps one row a run
- `sigmoid_cl.synthetic`: Many optimisations of free embeddings, or of small encoders, as one batched program (section 5 of Lee et al., "Analysis of Using Sigmoid Loss for Contrastive Learning")
- `sigmoid_cl.text`: A tokenizer that is trained on the captions, and a small transformer that makes features of them
- `sigmoid_cl.toy`: A contrastive `Learner` on 24 vectors, small enough to follow by hand, for lessons and for tests of your own callbacks
- `sigmoid_cl.two_towers`: Images and texts: the sigmoid loss where it comes from, on the same callbacks as images alone
- `sigmoid_cl.views`: `MultiCrop`: two large and four small random views of every image in a batch, on the device, as three matrix products"""

__version__ = "0.1.0"

import warnings
warnings.filterwarnings('ignore', message='`torch.jit.script` is deprecated', category=FutureWarning) # fastai 2.8 uses it when it is imported
warnings.filterwarnings('ignore', message='Your generator is empty', category=UserWarning) # fastprogress, at every epoch of a training without a validation set
