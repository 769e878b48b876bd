"""Recipes for ImageNet, by the paper or the release of each network: the first row that has its name is used.

The learning rate is that of the source for the `rate_batch` of the source, and another batch scales it. Where a source
trained replicas asynchronously, `rate_batch` is the batch of one of them, and batches here are of 256 images: Chen et
al. 2016 (arXiv:1604.00981) multiplied the rate by the replicas to train them together. Decays on a plateau, or by hand,
are a staircase at the epochs that a release had.

Each row was compared with the section or the file that it names; where one of them was read in a copy, or does not
state a setting, the row says so.
"""

from zoo.training.config.recipes.imagenet_early import EARLY
from zoo.training.config.recipes.imagenet_mobile import MOBILE
from zoo.training.config.recipes.imagenet_recent import RECENT
from zoo.training.config.recipes.imagenet_residual import RESIDUAL

IMAGENET = (*EARLY, *RESIDUAL, *MOBILE, *RECENT)
