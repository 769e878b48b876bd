"""NASNet-A as in Keras, the large and the mobile network."""

from dataclasses import replace
from functools import partial

from zoo.initializers import KERAS_DEFAULT, glorot_uniform, he_truncated_normal
from zoo.layers import batch_norm
from zoo.models.nasnet import NASNET, PORTED, NASNet, cell_maps
from zoo.models.network import ModelInfo

LARGE, MOBILE = "nasnet_large_keras", "nasnet_mobile_keras"
DEPTHS = {LARGE: (6, 6, 6), MOBILE: (4, 4, 4)}
NETWORK = partial(
    NASNet,
    zero_padded_max=True,
    norm=partial(batch_norm, epsilon=1e-3, momentum=0.9997),
    initial_values=replace(KERAS_DEFAULT, kernel=he_truncated_normal),
    separable_init=glorot_uniform,
)


def _entry(name: str, build: partial[NASNet], size: int, parameters: int, macs: int) -> ModelInfo:
    depths = DEPTHS[name]
    return ModelInfo(
        name=name,
        build=partial(build, depths=depths, image_shape=(size, size, 3)),
        paper=NASNET,
        parameters=parameters,
        macs=macs,
        **cell_maps(("conv0", "cell_stem_0", *(f"cell_{sum(depths[:stage]) - 1}" for stage in (1, 2, 3)))),
        input_size=size,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        differs=f"Keras's: {PORTED}; the padding of maximum pools is zeros",
    )


ENTRIES = (
    _entry(LARGE, NETWORK, 331, 88_753_150, 23_783_414_658),
    _entry(MOBILE, partial(NETWORK, width=44, stem_width=32, skip_reduction=False), 224, 5_289_978, 563_638_816),
)
