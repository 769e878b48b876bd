"""ConvNeXt. Torchvision numbers the parts of `features`: stem, stage 1, downsampling, stage 2 and so on.

Keras puts the name of the network before those of its layers.
"""

from collections.abc import Iterator

from zoo.models.convnext import TABLE, TIMM_TABLE, V2_TABLE
from zoo.weights.key_map import KeyMap, numbered
from zoo.weights.original_names import KERAS_TOO


def _torchvision_stage(stage: int) -> Iterator[tuple[str, str]]:
    block = f"features.{2 * stage - 1}.{{i-1}}"
    for ours, theirs in (("dwconv", 0), ("norm", 2), ("pwconv1", 3), ("pwconv2", 5)):
        yield f"block{stage}_{{i}}/{ours}", f"{block}.block.{theirs}"
    yield f"block{stage}_{{i}}/layer_scale", f"{block}.layer_scale"
    yield f"downsample{stage}/norm", f"features.{2 * stage - 2}.0"
    yield f"downsample{stage}/conv", f"features.{2 * stage - 2}.1"


TORCHVISION = KeyMap(
    rules=(
        ("stem/conv", "features.0.0"),
        ("stem/norm", "features.0.1"),
        *(rule for stage in range(1, 5) for rule in _torchvision_stage(stage)),
        ("norm", "classifier.0"),
        ("fc", "classifier.2"),
    ),
    maps=("layer_scale",),
)

TIMM_RULES = (
    ("stem/conv", "stem.0"),
    ("stem/norm", "stem.1"),
    ("block{s}_{i}/dwconv", "stages.{s-1}.blocks.{i-1}.conv_dw"),
    ("block{s}_{i}/norm", "stages.{s-1}.blocks.{i-1}.norm"),
    ("block{s}_{i}/pwconv{k}", "stages.{s-1}.blocks.{i-1}.mlp.fc{k}"),
    ("block{s}_{i}/grn", "stages.{s-1}.blocks.{i-1}.mlp.grn"),
    ("block{s}_{i}/layer_scale", "stages.{s-1}.blocks.{i-1}.gamma"),
    ("downsample{s}/norm", "stages.{s-1}.downsample.0"),
    ("downsample{s}/conv", "stages.{s-1}.downsample.1"),
    ("norm", "head.norm"),
    ("fc", "head.fc"),
)
TIMM = KeyMap(rules=TIMM_RULES)


def _transformers(model: str) -> KeyMap:
    layer = f"{model}.encoder.stages.{{s-1}}.layers.{{i-1}}"
    downsampling = f"{model}.encoder.stages.{{s-1}}.downsampling_layer"
    return KeyMap(
        rules=(
            ("stem/conv", f"{model}.embeddings.patch_embeddings"),
            ("stem/norm", f"{model}.embeddings.layernorm"),
            ("block{s}_{i}/norm", f"{layer}.layernorm"),
            ("block{s}_{i}/layer_scale", f"{layer}.layer_scale_parameter"),
            ("block{s}_{i}/{Part}", f"{layer}.{{Part}}"),
            ("downsample{s}/norm", f"{downsampling}.0"),
            ("downsample{s}/conv", f"{downsampling}.1"),
            ("norm", f"{model}.layernorm"),
            ("fc", "classifier"),
        ),
        rows=("block{s}_{i}/grn",),
    )


TRANSFORMERS, TRANSFORMERS_V2 = _transformers("convnext"), _transformers("convnextv2")
# The pointwise layers of timm's smallest networks are convolutions.
TIMM_CONVOLVED = KeyMap(rules=TIMM_RULES, convolved=("block{s}_{i}/pwconv{k}",))


def _keras(name: str) -> KeyMap:
    depths = (TABLE | TIMM_TABLE)[name][0]
    blocks = [(s, i) for s, depth in enumerate(depths) for i in range(depth)]
    block, downsampling = f"{name}_stage_{{s-1}}_block_{{i-1}}", f"{name}_downsampling"
    return KeyMap(
        rules=(
            ("stem/conv", f"{name}_stem/{name}_stem_conv"),
            ("stem/norm", f"{name}_stem/{name}_stem_layernorm"),
            ("block{s}_{i}/dwconv", f"{block}_depthwise_conv"),
            ("block{s}_{i}/norm", f"{block}_layernorm"),
            ("block{s}_{i}/pwconv{k}", f"{block}_pointwise_conv_{{k}}"),
            ("downsample{s}/norm", f"{downsampling}_block_{{s-2}}/{downsampling}_layernorm_{{s-2}}"),
            ("downsample{s}/conv", f"{downsampling}_block_{{s-2}}/{downsampling}_conv_{{s-2}}"),
            ("norm", f"{name}_head_layernorm"),
            ("fc", f"{name}_head_dense"),
            # Variables without a name, which Keras numbers.
            *(
                (
                    f"block{s + 1}_{i + 1}/layer_scale",
                    f"{name}_stage_{s}_block_{i}_layer_scale/{numbered('variable', n)}",
                )
                for n, (s, i) in enumerate(blocks)
            ),
        )
    )


SMALL = ("atto", "femto", "pico", "nano")

KEY_MAPS = {
    **{name: {"torchvision": TORCHVISION, "timm": TIMM} for name in TABLE},
    **{name: {"timm": TIMM_CONVOLVED if name.endswith(SMALL) else TIMM} for name in (*TIMM_TABLE, *V2_TABLE)},
}
for _name in TABLE:
    KEY_MAPS[_name]["transformers"] = TRANSFORMERS
for _name in V2_TABLE:
    KEY_MAPS[_name]["transformers"] = TRANSFORMERS_V2
for _name in KEY_MAPS.keys() & KERAS_TOO.keys():
    KEY_MAPS[_name]["keras"] = _keras(_name)
