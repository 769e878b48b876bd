"""Inception v4. timm numbers the modules of `features` one by one."""

from zoo.weights.key_map import KeyMap

TIMM = KeyMap(
    rules=(
        ("conv2d_1a_3x3/{Part}", "features.0.{Part}"),
        ("conv2d_2a_3x3/{Part}", "features.1.{Part}"),
        ("conv2d_2b_3x3/{Part}", "features.2.{Part}"),
        ("mixed_{i}a/3x3/{Part}", "features.{i}.conv.{Part}"),
        ("mixed_4a/3x3_{k}/{Part}", "features.4.branch0.{k-1}.{Part}"),
        ("mixed_4a/7x7x3_{k}/{Part}", "features.4.branch1.{k-1}.{Part}"),
        ("inception_a{i}/1x1/{Part}", "features.{i+5}.branch0.{Part}"),
        ("inception_a{i}/3x3_{k}/{Part}", "features.{i+5}.branch1.{k-1}.{Part}"),
        ("inception_a{i}/3x3dbl_{k}/{Part}", "features.{i+5}.branch2.{k-1}.{Part}"),
        ("inception_a{i}/pool_proj/{Part}", "features.{i+5}.branch3.1.{Part}"),
        ("reduction_a/3x3/{Part}", "features.10.branch0.{Part}"),
        ("reduction_a/3x3dbl_{k}/{Part}", "features.10.branch1.{k-1}.{Part}"),
        ("inception_b{i}/1x1/{Part}", "features.{i+10}.branch0.{Part}"),
        ("inception_b{i}/7x7_{k}/{Part}", "features.{i+10}.branch1.{k-1}.{Part}"),
        ("inception_b{i}/7x7dbl_{k}/{Part}", "features.{i+10}.branch2.{k-1}.{Part}"),
        ("inception_b{i}/pool_proj/{Part}", "features.{i+10}.branch3.1.{Part}"),
        ("reduction_b/3x3_{k}/{Part}", "features.18.branch0.{k-1}.{Part}"),
        ("reduction_b/7x7x3_{k}/{Part}", "features.18.branch1.{k-1}.{Part}"),
        ("inception_c{i}/1x1/{Part}", "features.{i+18}.branch0.{Part}"),
        ("inception_c{i}/3x3_1/{Part}", "features.{i+18}.branch1_0.{Part}"),
        ("inception_c{i}/3x3_2{Side}/{Part}", "features.{i+18}.branch1_1{Side}.{Part}"),
        ("inception_c{i}/3x3dbl_{k}/{Part}", "features.{i+18}.branch2_{k-1}.{Part}"),
        ("inception_c{i}/3x3dbl_4{Side}/{Part}", "features.{i+18}.branch2_3{Side}.{Part}"),
        ("inception_c{i}/pool_proj/{Part}", "features.{i+18}.branch3.1.{Part}"),
        ("fc", "last_linear"),
    )
)

KEY_MAPS = {"inception_v4": {"timm": TIMM}}
