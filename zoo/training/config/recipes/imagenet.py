"""Recipes for ImageNet, by the paper or the release of each network: the first row that has its name is used.

The learning rate is that of the source for the `rate_batch` of the source, and another batch scales it. Where a source
trained replicas asynchronously, `rate_batch` is the batch of one of them, and batches here are of 256 images: Chen et
al. 2016 (arXiv:1604.00981) multiplied the rate by the replicas to train them together. Decays on a plateau, or by hand,
are a staircase at the epochs that a release had.

Each row was compared with the section or the file that it names; where one of them was read in a copy, or does not
state a setting, the row says so.
"""

from zoo.training.config.recipes.imagenet_settings import (
    BN_INCEPTION,
    CAFFE,
    COLOR,
    CONVNEXT,
    CROP,
    CROP_OF_256,
    FASTERNET,
    INCEPTION,
    MNASNET,
    MOBILEONE,
    NFNET,
    RESNET_90,
    RESNET_COSINE,
    RESNET_TORCH,
    RESNET_TORCHVISION,
    SGD,
    SHUFFLENET,
    SLIM,
)
from zoo.training.config.recipes.row import Row

IMAGENET = (
    Row(
        ("alexnet_2012",),
        {**CAFFE, "epochs": 90, "batch_size": 128, "rate_batch": 128, "decay_at": "20,40,60", "lighting": 0.1},
        "Krizhevsky et al. 2012, section 5; it was divided by 10 by hand, here at the epochs of Caffe's bvlc_alexnet",
    ),
    Row(
        ("alexnet",),
        # 250 ** (-1 / 3)
        {
            **CAFFE,
            "epochs": 90,
            "batch_size": 128,
            "rate_batch": 128,
            "decay_rate": 0.15874,
            "decay_at": "22.5,45,67.5",
            "lighting": 0.1,
        },
        "Krizhevsky 2014 (arXiv:1404.5997), section 5",
    ),
    Row(
        ("zfnet",),
        {**CAFFE, "epochs": 70, "batch_size": 128, "rate_batch": 128, "decay_at": "20,40,60"},
        "Zeiler and Fergus 2013 (arXiv:1311.2901), section 3; the rate was lowered by hand, here at the epochs of "
        "Caffe's bvlc_alexnet; weight decay, which it does not state, of AlexNet; its crops were ten fixed ones, and "
        "filters of a larger RMS than 0.1 were scaled to it",
    ),
    Row(
        ("nin",),
        {**CAFFE, "epochs": 22, "batch_size": 64, "rate_batch": 64, "decay_epochs": 10.0},
        "Network in Network of the Caffe model zoo: 450,000 steps, a tenth of the rate after each 200,000; its solver "
        "was read in a copy (stephenyan1231/caffe-public, models/nin_imagenet), whose batch is 128; the model zoo's 64 "
        "was not found again",
    ),
    Row(
        ("vgg*_bn",),
        RESNET_TORCHVISION,
        "torchvision (references/classification/README.md): its defaults, as for ResNet; the paper has no batch norm",
    ),
    Row(
        ("vgg*",),
        {
            **CAFFE,
            "epochs": 74,
            "batch_size": 256,
            "rate_batch": 256,
            "decay_at": "20,40,60",
            "crop_sizes": "256-512",
            "lighting": 0.1,
        },
        "Simonyan and Zisserman 2014 (arXiv:1409.1556), section 3.1; three decays on a plateau, here at the epochs of "
        "Caffe's bvlc_alexnet",
    ),
    Row(
        ("googlenet",),
        {
            **SGD,
            "epochs": 60,
            "batch_size": 32,
            "learning_rate": 0.01,
            "rate_batch": 32,
            "schedule": "polynomial",
            "decay_power": 0.5,
            "weight_decay": 2e-4,
            "aux_heads": True,
            "aux_weight": 0.3,
            **CROP,
        },
        "Caffe's bvlc_googlenet, quick_solver.prototxt (the paper has no learning rate); crops of the paper, section 6",
    ),
    Row(
        ("googlenet_*",),
        {**BN_INCEPTION, "aux_heads": True, "aux_weight": 0.3},
        "Ioffe and Szegedy 2015 (arXiv:1502.03167), section 4.2: BN-x30; heads of GoogLeNet",
    ),
    Row(
        ("inception_v2*",),
        BN_INCEPTION,
        "Ioffe and Szegedy 2015 (arXiv:1502.03167), section 4.2: BN-x30, 6 million steps of 32 images; the rate decays "
        "six times as fast as 4 % in 8 epochs; weight decay 1/5 of Caffe's",
    ),
    Row(
        ("inception_v3*",),
        {**INCEPTION, "aux_heads": True, "aux_weight": 0.4},
        "Szegedy et al. 2015 (arXiv:1512.00567), section 8; weight decay, average and weight of the head of its "
        "program (tensorflow/models, research/inception)",
    ),
    Row(
        ("inception_v4", "inception_resnet_v2*"),
        {**INCEPTION, "epochs": 160, "clip_norm": 0.0},
        "Szegedy et al. 2016 (arXiv:1602.07261), section 4; epochs of its figures; weight decay, average and label "
        "smoothing of Inception v3's program",
    ),
    Row(
        ("xception", "xception_keras"),
        {
            **SGD,
            "epochs": 100,
            "batch_size": 256,
            "learning_rate": 0.045,
            "rate_batch": 256,
            "schedule": "staircase",
            "decay_rate": 0.94,
            "decay_epochs": 2.0,
            "weight_decay": 1e-5,
            "dropout": 0.5,
            "ema": 0.9999,
            **CROP,
            **COLOR,
        },
        "Chollet 2016 (arXiv:1610.02357), sections 4.2 and 4.3; batch, epochs, crops and the average's decay are not "
        "stated",
    ),
    Row(
        ("xception[0-9]*",),
        {
            **SGD,
            "nesterov": True,
            "epochs": 100,
            "batch_size": 256,
            "learning_rate": 0.05,
            "rate_batch": 32,
            "schedule": "staircase",
            "decay_rate": 0.94,
            "decay_epochs": 2.0,
            "weight_decay": 4e-5,
            **CROP,
        },
        "Chen et al. 2018 (arXiv:1802.02611), section 4, its training on ImageNet; epochs and crops, which it does not "
        "state, of Inception; read from memory",
    ),
    Row(
        ("nasnet*", "pnasnet*"),
        {**INCEPTION, "clip_norm": 10.0, "dropout": 0.5},
        "Zoph et al. 2017 (arXiv:1707.07012), appendix A: as Inception v3, with dropout of 0.5 and gradients clipped "
        "at 10; rate, decay, weight decay and average of Inception's program; no auxiliary head, no drop-path; "
        "read from memory",
    ),
    Row(
        ("resnetv2_*_bit",),
        {
            **RESNET_90,
            "nesterov": False,
            "batch_size": 4096,
            "learning_rate": 0.03,
            "warmup_epochs": 16.0,
            "decay_norms": True,
            "image_size": 224,
        },
        "Kolesnikov et al. 2019 (arXiv:1912.11370), section 3.1, BiT-S: 5,000 steps of warmup; read from memory",
    ),
    Row(
        ("resnet*v2",),
        RESNET_TORCH,
        "He et al. 2016 (arXiv:1603.05027), appendix; fb.resnet.torch",
    ),
    Row(
        ("resnext*",),
        {**RESNET_TORCH, "epochs": 100, "decay_at": "30,60,90"},
        "Xie et al. 2016 (arXiv:1611.05431), section 4: fb.resnet.torch, with three decays; torchvision's 100 epochs "
        "(references/classification/README.md)",
    ),
    Row(
        ("seresne*",),
        {
            **RESNET_TORCH,
            "color_jitter": 0.0,
            "lighting": 0.0,
            "nesterov": False,
            "epochs": 100,
            "batch_size": 1024,
            "learning_rate": 0.6,
            "rate_batch": 1024,
            "decay_at": "30,60,90",
        },
        "Hu et al. 2017 (arXiv:1709.01507v4), section 5.1; weight decay, which it does not state, of ResNet; its "
        "released weights had 0.1 for 256 images, rotations and more epochs (hujie-frank/SENet, README.md)",
    ),
    Row(
        ("ecaresnet*", "res2ne*"),
        {**RESNET_TORCHVISION, "epochs": 100, "decay_at": "30,60,90"},
        "Wang et al. 2019 (arXiv:1910.03151), section 4.1, and its program (BangguWu/ECANet, main.py); Gao et al. 2019 "
        "(arXiv:1904.01169), section 4.2, of which timm's page on Res2Net states rate, batch, epochs and weight decay",
    ),
    Row(
        ("skresne*",),
        {**RESNET_TORCHVISION, "epochs": 100, "decay_at": "30,60,90", "label_smoothing": 0.1},
        "Li et al. 2019 (arXiv:1903.06586), section 4.1, in a summary; its crops are SENet's",
    ),
    Row(
        ("resnest*",),
        {
            **RESNET_COSINE,
            "epochs": 270,
            "batch_size": 8192,
            "label_smoothing": 0.1,
            "mixup": 0.2,
            "auto_augment": True,
            "dropout": 0.2,
        },
        "Zhang et al. 2020 (arXiv:2004.08955), section 4; batch, epochs and augmentations as timm's page on ResNeSt "
        "states them, amounts read from memory",
    ),
    Row(
        ("cspresne*", "cspdarknet*", "darknet*"),
        {
            **SGD,
            "epochs": 80,
            "batch_size": 128,
            "learning_rate": 0.1,
            "rate_batch": 128,
            "schedule": "polynomial",
            "decay_power": 4.0,
            "weight_decay": 5e-4,
            **CROP,
        },
        "Darknet's cfg files of darknet53 and csresnet50: 800,000 steps, read from memory, without the 1,000 steps of "
        "warmup; Wang et al. 2019 (arXiv:1911.11929), section 4.1, has ten times as many steps; crops of ResNet",
    ),
    Row(
        ("dla*",),
        {
            **RESNET_TORCHVISION,
            "epochs": 120,
            "decay_at": "30,60,90",
            "color_jitter": 0.4,
            "lighting": 0.1,
        },
        "Yu et al. 2017 (arXiv:1707.06484), section 5.1; rate, batch, epochs and weight decay as timm's page on DLA "
        "states them, decays and colours read from memory",
    ),
    Row(
        ("ese_vovnet*",),
        RESNET_TORCHVISION,
        "the program of VoVNet (stigma0617/VoVNet.pytorch, main.py), which is PyTorch's example; read from memory",
    ),
    Row(
        ("dpn*",),
        {
            **RESNET_TORCHVISION,
            "epochs": 100,
            "batch_size": 1280,
            "learning_rate": 0.316,
            "rate_batch": 1280,
            "decay_at": "30,60,90",
        },
        "Chen et al. 2017 (arXiv:1707.01629), section 4.1: the rate and the batch of DPN-92; epochs, decays and weight "
        "decay, which it does not state, of ResNeXt",
    ),
    Row(
        ("resnetrs*",),
        {
            **RESNET_COSINE,
            "epochs": 350,
            "batch_size": 4096,
            "weight_decay": 4e-5,
            "label_smoothing": 0.1,
            "randaugment": 10.0,
            "dropout": 0.25,
            "ema": 0.9999,
        },
        "Bello et al. 2021 (arXiv:2103.07579); its program (tensorflow/tpu, resnet_rs/configs/resnetrs50_i160.yaml)",
    ),
    Row(
        ("wide_resnet*",),
        RESNET_TORCH,
        "Zagoruyko and Komodakis 2016 (arXiv:1605.07146), end of section 3: fb.resnet.torch",
    ),
    Row(
        ("resnet*d",),
        {**RESNET_COSINE, "epochs": 120, "label_smoothing": 0.1},
        "He et al. 2018 (arXiv:1812.01187), sections 3 and 5, without its distillation and mixup; read from memory",
    ),
    Row(
        ("resnet*",),
        RESNET_90,
        "Goyal et al. 2017 (arXiv:1706.02677), section 5.1, for any batch; He et al. 2015 have 120 epochs, and decays "
        "on a plateau",
    ),
    Row(
        ("densenet*",),
        RESNET_TORCH,
        "Huang et al. 2016 (arXiv:1608.06993), section 4.2, and its program (liuzhuang13/DenseNet, opts.lua, train.lua "
        "and README.md): fb.resnet.torch",
    ),
    Row(
        ("squeezenet*",),
        {
            **SGD,
            "epochs": 68,
            "batch_size": 512,
            "learning_rate": 0.04,
            "rate_batch": 512,
            "schedule": "linear",
            "weight_decay": 2e-4,
            **CROP_OF_256,
        },
        "Iandola et al. 2016 (arXiv:1602.07360): SqueezeNet_v1.0/solver.prototxt, 170,000 steps",
    ),
    Row(
        ("mobilenet_v1*",),
        SLIM,
        "Howard et al. 2017 (arXiv:1704.04861), section 3.2: as Inception v3, without label smoothing and heads; rate "
        "and weight decay of slim (mobilenet_v1_train.py, mobilenet_v1.py); there depthwise kernels have no weight "
        "decay, and no crop is very small",
    ),
    Row(
        ("mobilenet_v2*",),
        {
            **SLIM,
            **COLOR,
            "epochs": 300,
            "rate_batch": 96,
            "decay_rate": 0.98,
            "decay_epochs": 1.0,
            "label_smoothing": 0.1,
        },
        "Sandler et al. 2018 (arXiv:1801.04381), section 6.1; average and label smoothing of its command in slim; "
        "torchvision's 300 epochs",
    ),
    Row(
        ("mobilenet_v3*",),
        {
            **MNASNET,
            "epochs": 600,
            "learning_rate": 0.1,
            "decay_rate": 0.99,
            "decay_epochs": 3.0,
            "dropout": 0.2,
        },
        "Howard et al. 2019 (arXiv:1905.02244), section 6.1.1; epsilon, warmup, label smoothing and crops, which it "
        "does not state, of MnasNet's program; torchvision's 600 epochs (references/classification/README.md)",
    ),
    Row(
        ("mobilenet_v4*",),
        {
            "optimizer": "adamw",
            "epochs": 500,
            "batch_size": 4096,
            "learning_rate": 4e-3,
            "rate_batch": 4096,
            "warmup_epochs": 5.0,
            "weight_decay": 0.1,
            "label_smoothing": 0.1,
            "randaugment": 9.0,
            "randaugment_form": "timm",
            "dropout": 0.2,
            "stochastic_depth": 0.075,
            **CROP,
        },
        "Qin et al. 2024 (arXiv:2404.10518): its program (tensorflow/models, "
        "official/vision/configs/experiments/image_classification/imagenet_mobilenetv4_conv_medium_tpu.yaml); "
        "RandAugment of imagenet_mobilenetv4_conv_small_tpu.yaml, as the 15 of the former are beyond its range here",
    ),
    Row(
        ("lcnet*",),
        {
            **RESNET_COSINE,
            "nesterov": False,
            "epochs": 360,
            "batch_size": 2048,
            "learning_rate": 0.8,
            "rate_batch": 2048,
            "weight_decay": 3e-5,
            "decay_norms": True,
            "label_smoothing": 0.1,
        },
        "Cui et al. 2021 (arXiv:2109.15099), section 4; label smoothing of its program (PaddleClas, PPLCNet_x1_0.yaml)",
    ),
    Row(
        ("rexnet*",),
        {
            **RESNET_COSINE,
            "epochs": 400,
            "batch_size": 512,
            "learning_rate": 0.5,
            "rate_batch": 512,
            "weight_decay": 1e-5,
            "label_smoothing": 0.1,
            "dropout": 0.2,
        },
        "Han et al. 2020 (arXiv:2007.00992), section 5.1, without its augmentation; read from memory",
    ),
    Row(
        ("ghostnet*",),
        {**SHUFFLENET, "learning_rate": 0.4, "dropout": 0.2},
        "Han et al. 2019 (arXiv:1911.11907), section 4.2: as ShuffleNet V2 with another rate; dropout of its program; "
        "read from memory",
    ),
    Row(
        ("shufflenet_v2*",),
        SHUFFLENET,
        "Ma et al. 2018 (arXiv:1807.11164) and its program (megvii-model/ShuffleNet-Series): 300,000 steps",
    ),
    Row(
        ("mnasnet*", "mixnet*", "fbnetc*"),
        {**MNASNET, "dropout": 0.2},
        "Tan et al. 2018 (arXiv:1807.11626), section 5, and its program (tensorflow/tpu, models/official/mnasnet, "
        "mnasnet_main.py and mnasnet_utils.py), which MixNet has too; timm's weights of FBNet are of such a recipe",
    ),
    Row(
        ("efficientnet_v2*",),
        {**MNASNET, "randaugment": 10.0, "randaugment_form": "timm"},
        "Tan and Le 2021 (arXiv:2104.00298), section 5.1; at one image size and strength, where it lets them grow: "
        "RandAugment from 5 to 15 of EfficientNetV2-S, and mixup and dropout of the larger ones",
    ),
    Row(
        ("efficientnet*",),
        {**MNASNET, "auto_augment": True},
        "Tan and Le 2019 (arXiv:1905.11946), section 5.2, and its program (tensorflow/tpu)",
    ),
    Row(
        ("regnet*",),
        {
            "optimizer": "sgd",
            "epochs": 100,
            "batch_size": 1024,
            "learning_rate": 0.8,
            "rate_batch": 1024,
            "warmup_epochs": 5.0,
            "warmup_start": 0.1,
            "weight_decay": 5e-5,
            "decay_norms": True,
            "lighting": 0.1,
            **CROP,
        },
        "Radosavovic et al. 2020 (arXiv:2003.13678), and its program (facebookresearch/pycls, dds_baselines)",
    ),
    Row(
        ("hrnet*",),
        {
            **RESNET_90,
            "epochs": 100,
            "batch_size": 128,
            "learning_rate": 0.05,
            "rate_batch": 128,
            "warmup_epochs": 0.0,
            "decay_at": "30,60,90",
            "decay_norms": True,
        },
        "HRNet/HRNet-Image-Classification (experiments/cls_hrnet_w18_sgd_lr5e-2_wd1e-4_bs32_x100.yaml), four devices "
        "with 32 images each",
    ),
    Row(
        ("hgnet*",),
        {
            **RESNET_COSINE,
            "nesterov": False,
            "epochs": 600,
            "batch_size": 1024,
            "learning_rate": 0.5,
            "rate_batch": 1024,
            "weight_decay": 4e-5,
            "decay_norms": True,
            "label_smoothing": 0.1,
            "mixup": 0.2,
            "cutmix": 1.0,
            "randaugment": 7.0,
            "randaugment_std": 0.5,
            "augment_interpolation": "bicubic",
            "erase": 0.25,
            "erase_area": 0.3333,
            "erase_noise": True,
            "eval_crop": 0.949,
        },
        "PaddleClas (ppcls/configs/ImageNet/PPHGNet/PPHGNet_small.yaml), eight devices with 128 images each; no such "
        "file has the training of PP-HGNetV2, whose weights are distilled from a larger network's",
    ),
    Row(
        ("convnext*",),
        {**CONVNEXT, "ema": 0.9999},
        "Liu et al. 2022 (arXiv:2201.03545), table 5, and its program (facebookresearch/ConvNeXt)",
    ),
    Row(
        ("repvgg_b3",),
        {**RESNET_COSINE, "nesterov": False, "epochs": 200, "label_smoothing": 0.1, "mixup": 0.2, "auto_augment": True},
        "Ding et al. 2021 (arXiv:2101.03697), section 4.1, heavyweight models; read from memory",
    ),
    Row(
        ("repvgg*",),
        {**RESNET_COSINE, "nesterov": False, "warmup_epochs": 0.0, "epochs": 120},
        "Ding et al. 2021 (arXiv:2101.03697), section 4.1; read from memory",
    ),
    Row(
        ("mobileone_s0", "mobileone_s1"),
        MOBILEONE,
        "Vasu et al. 2022 (arXiv:2206.04040), section 4; there the weight decay falls to a tenth; read from memory",
    ),
    Row(
        ("mobileone*",),
        {**MOBILEONE, "auto_augment": True},
        "Vasu et al. 2022 (arXiv:2206.04040), section 4; at one image size and strength, where it lets them grow, and "
        "the weight decay falls to a tenth; read from memory",
    ),
    Row(
        ("nf_resnet*",),
        {**NFNET, "epochs": 90, "weight_decay": 5e-5, "dropout": 0.25, "stochastic_depth": 0.1},
        "Brock et al. 2021 (arXiv:2101.08692), section 5.1, with the clipping of the second paper (arXiv:2102.06171), "
        "section 4.1, for the batch; read from memory",
    ),
    Row(
        ("*nfnet*",),
        {**NFNET, "mixup": 0.2, "cutmix": 1.0, "randaugment": 10.0, "randaugment_ops": 4, "ema": 0.99999},
        "Brock et al. 2021 (arXiv:2102.06171), section 5 and appendix A; at one magnitude, the largest of ours; read "
        "from memory",
    ),
    Row(
        ("inception_next*",),
        CONVNEXT,
        "Yu et al. 2023 (arXiv:2303.16900), section 4.1: as ConvNeXt, without its average; read from memory",
    ),
    Row(
        ("starnet*",),
        {
            "optimizer": "adamw",
            "epochs": 300,
            "batch_size": 2048,
            "learning_rate": 3e-3,
            "rate_batch": 2048,
            "warmup_epochs": 5.0,
            "weight_decay": 0.025,
            "label_smoothing": 0.1,
            "mixup": 0.8,
            "cutmix": 0.2,
            "randaugment": 1.0,
            "randaugment_std": 0.5,
            **CROP,
        },
        "Ma et al. 2024 (arXiv:2403.19967), section 4.1 and its appendix; read from memory",
    ),
    Row(
        ("fasternet_t0",),
        FASTERNET,
        "Chen et al. 2023 (arXiv:2303.03667), table 8; read from memory",
    ),
    Row(
        ("fasternet*",),
        {**FASTERNET, "weight_decay": 0.03, "mixup": 0.3, "randaugment": 7.0},
        "Chen et al. 2023 (arXiv:2303.03667), table 8, FasterNet-S; read from memory",
    ),
)
