"""The names of our networks in the libraries that have them: {our name: their name}, one table per library."""

REGNET_SIZES = ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")
CONVNEXT_V2_SIZES = ("atto", "femto", "pico", "nano", "tiny", "base", "large", "huge")
EFFICIENTNET_V2_SIZES = ("b0", "b1", "b2", "b3", "s", "m", "l", "xl")

TORCHVISION = {
    **{name: name for name in ("alexnet", "squeezenet1_0", "squeezenet1_1", "inception_v3", "mobilenet_v2")},
    **{f"vgg{depth}{norm}": f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")},
    "googlenet_tv": "googlenet",
    **{f"resnet{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
    **{name: name for name in ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")},
    **{name: name for name in ("wide_resnet50_2", "wide_resnet101_2")},
    **{f"densenet{depth}": f"densenet{depth}" for depth in (121, 161, 169, 201)},
    **{f"mobilenet_v3_{size}": f"mobilenet_v3_{size}" for size in ("small", "large")},
    **{f"shufflenet_v2_x{width}": f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")},
    **{f"mnasnet{width}": f"mnasnet{width}" for width in ("0_5", "0_75", "1_0", "1_3")},
    **{f"efficientnet_b{i}": f"efficientnet_b{i}" for i in range(8)},
    **{f"efficientnet_v2_{size}": f"efficientnet_v2_{size}" for size in "sml"},
    **{f"regnet_{kind}_{size}": f"regnet_{kind}_{size}" for kind in "xy" for size in REGNET_SIZES},
    "regnet_y_128gf": "regnet_y_128gf",
    **{f"convnext_{size}": f"convnext_{size}" for size in ("tiny", "small", "base", "large")},
}
TIMM = {
    "inception_v4": "inception_v4",
    "inception_resnet_v2": "inception_resnet_v2",
    "xception": "legacy_xception",
    **{name: name for name in ("xception41", "xception65", "xception71", "nasnetalarge", "pnasnet5large")},
    **{name: name for name in ("seresnet50", "seresnext50_32x4d", "seresnext101_32x8d")},
    **{f"resnet{depth}d": f"resnet{depth}d" for depth in (18, 26, 34, 50, 101, 152, 200)},
    **{name: name for name in ("ecaresnet50d", "ecaresnet101d", "resnetrs50", "resnetrs101")},
    **{name: name for name in ("resnest14d", "resnest26d", "resnest50d", "resnest101e")},
    **{name: name for name in ("skresnet18", "skresnet34", "skresnet50", "skresnext50_32x4d")},
    **{name: name for name in ("res2net50_26w_4s", "res2net101_26w_4s", "res2next50")},
    **{name: name for name in ("regnetz_b16", "regnetz_c16", "regnetz_d8", "regnetz_d32")},
    **{name: name for name in ("cspresnet50", "cspresnext50", "cspdarknet53", "darknet53")},
    **{f"dpn{depth}": f"dpn{depth}" for depth in (68, 92, 98, 107, 131)},
    **{f"dla{depth}": f"dla{depth}" for depth in (34, 60, 102)},
    **{name: name for name in ("ese_vovnet19b_dw", "ese_vovnet39b")},
    **{f"resnet{depth}v2": f"resnetv2_{depth}" for depth in (50, 101, 152)},
    **{name: name for name in map("convnext_{}".format, ("atto", "femto", "pico", "nano", "xlarge"))},
    **{name: name for name in map("convnextv2_{}".format, CONVNEXT_V2_SIZES)},
    "mobilenet_v1": "mobilenetv1_100",
    "mobilenet_v1_125": "mobilenetv1_125",
    "mobilenet_v2_050": "mobilenetv2_050",
    "mobilenet_v2_140": "mobilenetv2_140",
    **{name: name for name in ("lcnet_050", "lcnet_100", "fbnetc_100", "rexnet_100", "rexnet_150", "rexnet_200")},
    **{name: name for name in ("ghostnet_100", "ghostnetv2_100", "mixnet_s", "mixnet_m", "mixnet_l")},
    **{name: name for name in ("efficientnet_es", "efficientnet_em", "efficientnet_el")},
    **{f"mobilenet_v4_conv_{size}": f"mobilenetv4_conv_{size}" for size in ("small", "medium", "large")},
    **{f"efficientnet_lite{i}": f"tf_efficientnet_lite{i}" for i in range(5)},
    **{f"efficientnet_b{i}_tf": f"tf_efficientnet_b{i}" for i in range(8)},
    **{f"efficientnet_v2_{size}_tf": f"tf_efficientnetv2_{size}" for size in EFFICIENTNET_V2_SIZES},
    **{f"mobilenet_v3_{size}_tf": f"tf_mobilenetv3_{size}_100" for size in ("small", "large")},
    **{name: name for name in ("hgnet_tiny", "hgnet_small")},
    **{f"hgnetv2_b{i}": f"hgnetv2_b{i}" for i in range(7)},
    **{f"hrnet_{size}": f"hrnet_{size}" for size in ("w18_small", "w18", "w32", "w48")},
    **{name: name for name in map("repvgg_{}".format, ("a0", "a1", "a2", "b0", "b1", "b2", "b3"))},
    **{name: name for name in map("mobileone_s{}".format, range(5))},
    **{name: name for name in map("resnetv2_{}_bit".format, ("50x1", "50x3", "101x1", "101x3", "152x2", "152x4"))},
    **{f"dm_nfnet_f{i}": f"dm_nfnet_f{i}" for i in range(4)},
    **{name: name for name in ("eca_nfnet_l0", "eca_nfnet_l1", "nf_resnet50")},
    **{name: name for name in map("inception_next_{}".format, ("atto", "tiny", "small", "base"))},
    **{name: name for name in ("starnet_s1", "starnet_s4", "fasternet_t0", "fasternet_s")},
}
# What timm itself sets only together with its weights.
TIMM_ARGUMENTS = {"fbnetc_100": {"bn_eps": 1e-3}}
KERAS = {
    **{f"resnet{depth}_keras": f"ResNet{depth}" for depth in (50, 101, 152)},
    "inception_v3_keras": "InceptionV3",
    "inception_resnet_v2_keras": "InceptionResNetV2",
    **{f"densenet{depth}_keras": f"DenseNet{depth}" for depth in (121, 169, 201)},
    "mobilenet_v1_keras": "MobileNet",
    "mobilenet_v2_keras": "MobileNetV2",
    "xception_keras": "Xception",
    "nasnet_large_keras": "NASNetLarge",
    "nasnet_mobile_keras": "NASNetMobile",
}
# Networks of other tables that Keras has too, with the same function.
KERAS_TOO = {
    "vgg16": "VGG16",
    "vgg19": "VGG19",
    **{f"convnext_{size}": f"ConvNeXt{size.title()}" for size in ("tiny", "small", "base", "large")},
    "convnext_xlarge": "ConvNeXtXLarge",
    **{f"efficientnet_b{i}_tf": f"EfficientNetB{i}" for i in range(8)},
    **{f"efficientnet_v2_{size}_tf": f"EfficientNetV2{size.upper()}" for size in EFFICIENTNET_V2_SIZES if size != "xl"},
}
# Networks of TORCHVISION that timm has too, with other keys.
_WIDTHS = {"0_5": "050", "0_75": "075", "1_0": "100"}
_REGNETS = dict(zip(REGNET_SIZES, ("004", "008", "016", "032", "080", "160", "320"), strict=True))
_REGNETS_TV = {"x_400mf": "regnetx_004_tv", "y_800mf": "regnety_008_tv", "y_8gf": "regnety_080_tv"}
_SAME_NAME = ("vgg", "resne", "wide_resnet", "densenet", "convnext", "inception_v3", "efficientnet_b")
TIMM_TOO = {
    **{name: name for name in TORCHVISION if name.startswith(_SAME_NAME)},
    "mobilenet_v2": "mobilenetv2_100",
    **{f"mobilenet_v3_{size}": f"mobilenetv3_{size}_100" for size in ("small", "large")},
    **{f"mnasnet{ours}": f"mnasnet_{theirs}" for ours, theirs in _WIDTHS.items()},
    **{f"efficientnet_v2_{size}": f"efficientnetv2_{size}" for size in "sml"},
    **{f"regnet_{kind}_{size}": f"regnet{kind}_{_REGNETS[size]}" for kind in "xy" for size in REGNET_SIZES},
    **{f"regnet_{name}": theirs for name, theirs in _REGNETS_TV.items()},
    "regnet_y_128gf": "regnety_1280",
}
CADENE = {"inception_v2_caffe": "bninception"}
