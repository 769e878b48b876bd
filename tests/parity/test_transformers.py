"""Networks of Hugging Face's transformers: state dicts both ways, to the bit, and the logits at two sizes."""

import numpy as np
import pytest
from networks.fill import image
from quick import computed

import zoo
from zoo.runtime.jit_once import jit_once
from zoo.weights import from_torch, to_torch
from zoo.weights.import_torchvision import import_torchvision
from zoo.weights.key_maps import KEY_MAPS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

NAMES = [name for name, known in KEY_MAPS.items() if "transformers" in known]
QUICK = {"resnet18", "regnet_x_400mf", "regnet_y_400mf", "convnext_tiny", "convnextv2_atto", "mobilenet_v2_keras"}
QUICK |= {"mobilenet_v1_keras"}


def original_of(name):
    """The model of transformers, from the fields of our network."""
    import_torchvision()  # which transformers imports, and which may lack its compiled operations
    transformers = pytest.importorskip("transformers")
    ours = zoo.create_model(name)
    if name.startswith("resnet"):
        kind = "bottleneck" if ours.bottleneck else "basic"
        widths = [width * (4 if ours.bottleneck else 1) for width in ours.widths]
        fields = {"depths": list(ours.depths), "hidden_sizes": widths, "layer_type": kind}
        config, model = transformers.ResNetConfig(**fields), transformers.ResNetForImageClassification
    elif name.startswith("regnet"):
        depths, widths, (group_width, *_) = zip(*ours.stages, strict=True)
        config = transformers.RegNetConfig(depths=list(depths), hidden_sizes=list(widths), groups_width=group_width)
        config.layer_type = name.split("_")[1]
        model = transformers.RegNetForImageClassification
    elif name.startswith("convnext"):
        fields = {"depths": list(ours.depths), "hidden_sizes": list(ours.widths), "image_size": 224}
        v2 = name.startswith("convnextv2")
        config = (transformers.ConvNextV2Config if v2 else transformers.ConvNextConfig)(**fields)
        model = transformers.ConvNextV2ForImageClassification if v2 else transformers.ConvNextForImageClassification
    else:
        version = "V1" if "_v1" in name else "V2"
        config = getattr(transformers, f"MobileNet{version}Config")()
        model = getattr(transformers, f"MobileNet{version}ForImageClassification")
    config.num_labels = 1000
    return model(config).eval()


def randomised(model):
    torch.manual_seed(0)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.7, 1.3)
            elif name.endswith("running_mean"):
                value.normal_(0, 0.1)
            elif value.ndim == 4 and value.shape[0] > 1:
                value.normal_(0, (2 / value[0].numel()) ** 0.5)
            elif name.endswith(("layer_scale_parameter", "grn.weight")):
                value.normal_(0, 0.3)
    return model


@pytest.mark.parametrize("name", computed(NAMES, QUICK))
def test_state_dicts_and_logits(name):
    original = randomised(original_of(name))
    state = {key: value for key, value in original.state_dict().items() if not key.endswith("num_batches_tracked")}
    variables = from_torch(name, state)
    back = to_torch(name, variables, "transformers")
    assert set(back) == set(state)
    for key, value in state.items():
        np.testing.assert_array_equal(back[key], value.numpy(), err_msg=key)
    forward = jit_once(zoo.create_model(name).apply)
    for size in ((224, 224), (160, 192)):
        x = image(*size)
        with torch.no_grad():
            theirs = original(torch.from_numpy(x.copy()).permute(0, 3, 1, 2)).logits.numpy()
        ours = np.asarray(forward(variables, x))
        assert theirs.std() > 0
        assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()
