"""A small network with batch norm, dropout and an auxiliary head. `python tests/tiny.py` trains it."""

import sys

import flax.linen as nn

from zoo.layers import ConvBlock, batch_norm, global_avg_pool, max_pool
from zoo.models.network import ModelInfo, Network, Paper, sow_aux_logits
from zoo.registry import register


class Tiny(Network):
    """Two normalised convolutions, dropout and a classifier."""

    aux_heads: bool = False
    dropout: float = 0.3

    @nn.compact
    def __call__(self, x, *, train=False):
        x = ConvBlock(8, 3, padding=1, norm=batch_norm, act=self.act, name="conv1")(x, train=train)
        x = max_pool(x, 3, 2, 1)
        if self.aux_heads and (train or self.is_initializing()):
            sow_aux_logits(self, nn.Dense(self.num_classes, name="aux_head")(global_avg_pool(x)))
        x = ConvBlock(16, 3, 2, 1, norm=batch_norm, act=self.act, name="conv2")(x, train=train)
        x = nn.Dropout(self.dropout, deterministic=not train)(global_avg_pool(x))
        return self.classify(x, "classifier")


INFO = ModelInfo(
    name="tiny",
    build=Tiny,
    paper=Paper(title="None", year=2026, url="https://example.org"),
    parameters=0,
    macs=0,
    stages=("conv1", "conv2"),
    input_size=32,
)

if __name__ == "__main__":
    from zoo.__main__ import main
    from zoo.runtime.log_filters import quiet_libraries
    from zoo.runtime.process import run_process

    quiet_libraries()
    register(INFO)
    sys.exit(run_process(lambda: main(["train", "--model", "tiny", *sys.argv[1:]])))
