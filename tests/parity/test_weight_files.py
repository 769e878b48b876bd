"""Files written by torch, valid and malicious; published.json agrees with the installed torchvision and timm."""

import argparse
import json
import os
import pickle
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import zoo
from zoo.data import fit_image
from zoo.models.variables import init_shapes
from zoo.runtime.jit_once import jit_once
from zoo.weights import open_pretrained, to_torch
from zoo.weights.files import default_preprocessing
from zoo.weights.import_torchvision import import_torchvision
from zoo.weights.make_published import all_published, needed_fields
from zoo.weights.original_names import TIMM, TIMM_TOO, TORCHVISION
from zoo.weights.published import find_published, published_weights
from zoo.weights.read_state_dict import read_state_dict
from zoo.weights.timm_architectures import TIMM_ARCHITECTURES
from zoo.weights.timm_config import CROP_MODES

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

STATE = {"fc.weight": torch.arange(6.0).reshape(2, 3), "bn.num_batches_tracked": torch.tensor(3)}
CODE_RAN = Path(__file__).with_name("code_ran")


class Malicious:
    """An object that creates a file when it is unpickled."""

    def __reduce__(self):
        return os.system, (f"touch {CODE_RAN}",)


class Config(dict):
    """A mapping with attributes, named as that of a library that is not installed here."""

    __module__, __qualname__ = "easydict", "EasyDict"


Config.__name__ = "EasyDict"


def assert_state(found):
    assert set(found) == set(STATE)
    for key, value in STATE.items():
        np.testing.assert_array_equal(found[key], value.numpy())


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".pth.tar", ".ckpt"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": {"state_dict": state, "epoch": np.float64(3)}, "optimizer": {"state": state}},
        lambda state: [argparse.Namespace(path=Path("a"), lr=np.float32(0.1)), {"net": state}],
        lambda state: defaultdict(list, {"net": state, "rows": np.ones((2, 2)), "seen": frozenset([1])}),
        lambda state: {"model": Config(net=state), "metrics": defaultdict(float, {1: np.float64(2)})},
    ],
)
def test_a_torch_file_with_any_nesting(tmp_path, monkeypatch, suffix, wrap):
    monkeypatch.setitem(sys.modules, "easydict", SimpleNamespace(EasyDict=Config))  # pickle looks the class up
    torch.save(wrap(STATE), tmp_path / f"w{suffix}")
    assert_state(read_state_dict(tmp_path / f"w{suffix}"))


def state_dicts_of_training_scripts():
    """torch.compile's, AveragedModel's, Lightning's and the PyTorch tutorial's state dicts are read."""
    name = "squeezenet1_1"
    zeros = jax.tree.map(lambda s: np.zeros(s.shape, np.float32), init_shapes(zoo.create_model(name)))
    plain = {key: torch.from_numpy(np.ascontiguousarray(a)) for key, a in to_torch(name, zeros).items()}
    files = {
        "torch.compile": {"_orig_mod." + key: a for key, a in plain.items()},
        "AveragedModel": {"n_averaged": torch.tensor(7), **{"module." + key: a for key, a in plain.items()}},
        "Lightning": {"state_dict": {"model." + key: a for key, a in plain.items()}},
        "tutorial": {"epoch": 1, "model_state_dict": plain},
    }
    wrong = []
    for kind, content in files.items():
        path = tempfile.mktemp(suffix=".pth")
        torch.save(content, path)
        try:
            open_pretrained(name, path)
        except zoo.ZooError:
            wrong.append(kind)
    return wrong or True


def test_state_dicts_of_training_scripts():
    assert state_dicts_of_training_scripts() is True


def test_wrappers_of_torch_as_they_are(tmp_path):
    """DataParallel, AveragedModel and torch.compile around torchvision's network give its weights."""
    original = import_torchvision().models.squeezenet1_1(weights=None)
    average = torch.optim.swa_utils.AveragedModel(torch.nn.DataParallel(original))
    for wrapped in (torch.compile(torch.nn.DataParallel(original)), average):
        state = {"model": wrapped.state_dict(), "args": argparse.Namespace(lr=0.1), "optimizer": {"state": {}}}
        torch.save(state, tmp_path / "checkpoint.pth")
        ours = to_torch("squeezenet1_1", open_pretrained("squeezenet1_1", tmp_path / "checkpoint.pth").variables)
        for key, tensor in original.state_dict().items():
            np.testing.assert_array_equal(ours[key], tensor.numpy())


def test_timms_architectures_compute_with_these_fields():
    import_torchvision()
    pytest.importorskip("timm")
    for name, architectures in TIMM_ARCHITECTURES.items():
        assert architectures == {one: needed_fields(name, one) for one in architectures}


def test_the_format_before_zip(tmp_path):
    torch.save(STATE, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    assert_state(read_state_dict(tmp_path / "w.pth"))


def test_half_precision_becomes_float32(tmp_path):
    torch.save({"a": torch.ones(2).bfloat16(), "b": torch.nn.Parameter(torch.ones(2).half())}, tmp_path / "w.pth")
    assert {array.dtype for array in read_state_dict(tmp_path / "w.pth").values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_run_code_is_refused(tmp_path, zipped):
    path = tmp_path / "w.pth"
    torch.save({"fc.weight": Malicious()}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(zoo.ZooError, match=r"w\.pth .*\((posix|os)\.system\)"):
        read_state_dict(path)
    path.write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(zoo.ZooError) as error:
        read_state_dict(path)
    assert "\n" not in str(error.value)
    assert not CODE_RAN.exists()


@pytest.mark.parametrize("keep", [0, 1, 100, 700, -30])
def test_a_truncated_file(tmp_path, keep):
    path = tmp_path / "w.pth"
    torch.save(STATE, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(zoo.ZooError, match=r"cannot read .*w\.pth"):
        read_state_dict(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.ones(3), "holds a tensor, not a state dict"),
        ([1, 2], "holds a list, not a state dict"),
        ({}, "holds no tensors"),
        ({"lr": 0.1}, "no state dict.* keys are lr"),
        ({3: torch.ones(1)}, "no state dict.* keys are 3"),
        (torch.optim.SGD([torch.ones(2)]).state_dict(), "no state dict.* keys are param_groups, state"),
        (({"a": torch.ones(2)}, {"a": torch.ones(2)}), "several state dicts with the same keys, 0, 1"),
        ({"a": torch.ones(2, 2).to_sparse()}, "w.pth holds what is no plain tensor .sparse"),
    ],
)
def test_a_file_without_a_state_dict(tmp_path, content, message):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(zoo.ZooError, match=message):
        read_state_dict(tmp_path / "w.pth")


def test_a_torchscript_program_is_refused(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "w.pt")
    with pytest.raises(zoo.ZooError, match="is a TorchScript program"):
        read_state_dict(tmp_path / "w.pt")


@pytest.mark.parametrize("original", ["googlenet", "inception_v3"])
def test_a_torchvision_file_with_auxiliary_heads(tmp_path, original):
    """Torchvision publishes these two with auxiliary heads, which are skipped."""
    torchvision = import_torchvision()

    model = getattr(torchvision.models, original)(weights=None, init_weights=False)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    name = {"googlenet": "googlenet_tv"}.get(original, original)
    found = open_pretrained(name, tmp_path / "w.pth")
    ours = to_torch(name, found.variables)
    np.testing.assert_array_equal(ours["fc.weight"], model.fc.weight.detach().numpy())
    assert not any(key.startswith(("aux", "Aux")) for key in ours)


def test_published_json_agrees_with_torchvision_and_timm():
    import_torchvision()  # first, as timm imports torchvision too
    pytest.importorskip("timm")
    stored = json.loads((Path(zoo.__file__).parent / "weights/published.json").read_text())
    fresh = json.loads(json.dumps(all_published()))
    assert sorted(stored, key=str) == sorted(fresh, key=str)


@pytest.mark.parametrize("name", TORCHVISION)
def test_the_registry_preprocesses_as_torchvisions_default_weights(name):
    """Equal pixels after torchvision's transforms, and after the `transform_input` of its models that have it."""
    from PIL import Image

    torchvision = import_torchvision()

    weights = torchvision.models.get_model_weights(TORCHVISION[name]).DEFAULT
    pixels = np.random.default_rng(0).integers(0, 256, (301, 402, 3), dtype=np.uint8)
    theirs = weights.transforms(antialias=True)(Image.fromarray(pixels))[None]
    if TORCHVISION[name] in ("googlenet", "inception_v3"):
        model = getattr(torchvision.models, TORCHVISION[name])
        theirs = model(weights=None, transform_input=True, init_weights=False)._transform_input(theirs)
    ours = default_preprocessing(name)
    fitted = fit_image(pixels, ours.image_shape, crop=ours.crop, interpolation=ours.interpolation)
    np.testing.assert_allclose(ours.normalized(fitted), theirs[0].permute(1, 2, 0), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in TIMM if "lite" not in name and published_weights(name)])
def test_the_registry_preprocesses_as_timms_default_weights(name):
    """EfficientNet-Lite is left out: its default preprocessing is that of Google's release."""
    timm = pytest.importorskip("timm")
    config = timm.get_pretrained_cfg(TIMM[name])
    ours = default_preprocessing(name)
    assert (ours.mean, ours.std, ours.interpolation) == (config.mean, config.std, config.interpolation)
    assert ours.image_shape[:2] == config.input_size[1:]
    assert (ours.fit, ours.crop) == (CROP_MODES[config.crop_mode], config.crop_pct)


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("efficientnet_b0", "timm/tf_efficientnet_b0.in1k"),
        ("efficientnet_lite0", "timm/in1k"),
        ("mobilenet_v3_small", "timm/lamb_in1k"),
    ],
)
def test_the_fields_of_published_weights_give_the_logits_of_the_original(tmp_path, name, tag):
    """Google's padding and epsilon, timm's epsilon: a file with random weights of timm's network gives its logits."""
    import_torchvision()  # timm imports torchvision too

    timm = pytest.importorskip("timm")
    from safetensors.torch import save_file

    published = find_published(name, tag)
    torch.manual_seed(0)
    original = timm.create_model(published.hub.split("/")[1], pretrained=False).eval()
    for module in original.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            # So small that the epsilon matters.
            module.running_var.uniform_(1e-3, 1e-2)
            module.weight.data.uniform_(0.02, 0.1)
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    architecture, stated_tag = published.hub.split("/")[1].split(".")
    config = {"architecture": architecture, "pretrained_cfg": {"tag": stated_tag}}
    (snapshot / "config.json").write_text(json.dumps(config))
    save_file(original.state_dict(), snapshot / "model.safetensors")

    found = open_pretrained(name, snapshot)
    assert found.fields == published.fields and found.preprocessing == published.preprocessing
    x = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype(np.float32)
    with torch.no_grad():
        theirs = original(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()
    ours = np.asarray(jit_once(found.network().apply)(found.variables, x))
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


def test_every_network_of_torchvision_and_timm_has_published_weights():
    without = {"resnet152v2", "skresnet50"}  # timm has the networks without weights
    assert {name for name in TORCHVISION | TIMM | TIMM_TOO if not published_weights(name)} == without
