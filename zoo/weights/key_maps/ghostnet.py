"""GhostNet. timm has sequences of a convolution, its norm and its activation."""

from zoo.weights.key_map import KeyMap

BLOCK = "blocks.{s-1}.{i-1}"
TIMM = KeyMap(
    rules=(
        ("conv1/conv", "conv_stem"),
        ("conv1/bn", "bn1"),
        *(
            rule
            for ours, theirs, index in (
                ("{Ghost}/primary", "{Ghost}.primary_conv", 0),
                ("{Ghost}/cheap", "{Ghost}.cheap_operation", 0),
                ("{Ghost}/attention/pointwise", "{Ghost}.short_conv", 0),
                ("{Ghost}/attention/horizontal", "{Ghost}.short_conv", 2),
                ("{Ghost}/attention/vertical", "{Ghost}.short_conv", 4),
                ("shortcut_depthwise", "shortcut", 0),
                ("shortcut", "shortcut", 2),
            )
            for rule in (
                (f"block{{s}}_{{i}}/{ours}/conv", f"{BLOCK}.{theirs}.{index}"),
                (f"block{{s}}_{{i}}/{ours}/bn", f"{BLOCK}.{theirs}.{index + 1}"),
            )
        ),
        ("block{s}_{i}/depthwise/conv", f"{BLOCK}.conv_dw"),
        ("block{s}_{i}/depthwise/bn", f"{BLOCK}.bn_dw"),
        ("block{s}_{i}/se/fc1", f"{BLOCK}.se.conv_reduce"),
        ("block{s}_{i}/se/fc2", f"{BLOCK}.se.conv_expand"),
        ("conv_last/conv", "blocks.9.0.conv"),
        ("conv_last/bn", "blocks.9.0.bn1"),
        ("fc1", "conv_head"),
        ("fc2", "classifier"),
    ),
    convolved=("fc1",),
)

KEY_MAPS = {name: {"timm": TIMM} for name in ("ghostnet_100", "ghostnetv2_100")}
