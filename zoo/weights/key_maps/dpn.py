"""Dual path networks. timm's classifier is a 1x1 convolution; the name of a projection says its stride."""

from zoo.models.dpn import TABLE
from zoo.weights.key_map import KeyMap

TIMM = KeyMap(
    rules=(
        ("conv1/{Part}", "features.conv1_1.{Part}"),
        ("conv2_{b}/project/{Part}", "features.conv2_{b}.c1x1_w_s1.{Part}"),
        *(
            (f"conv{{s}}_{{b}}/{ours}/{{Part}}", f"features.conv{{s}}_{{b}}.{theirs}.{{Part}}")
            for ours, theirs in (
                ("project", "c1x1_w_s2"),
                ("conv1", "c1x1_a"),
                ("conv2", "c3x3_b"),
                ("conv3", "c1x1_c"),
            )
        ),
        ("bn", "features.conv5_bn_ac.bn"),
        ("fc", "classifier"),
    ),
    convolved=("fc",),
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
