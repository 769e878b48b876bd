"""State dicts as training scripts write them: containers, prefixes and what stands beside; values without torch."""

import warnings

import jax
import numpy as np
import pytest
from networks.fill import fill
from safetensors.numpy import save_file

import zoo
from zoo.__main__ import main
from zoo.errors import ZooWarning
from zoo.models.variables import init_shapes
from zoo.weights import from_torch, load, open_pretrained, to_torch
from zoo.weights.checkpoint_contents import find_state_dict

NAME = "squeezenet1_1"  # few variables; without batch norm
VARIABLES = jax.tree.map_with_path(
    lambda path, leaf: fill(jax.tree_util.keystr(path), leaf.shape, outputs_first=False),
    init_shapes(zoo.create_model(NAME)),
)
PLAIN = {key: np.ascontiguousarray(array) for key, array in to_torch(NAME, VARIABLES).items()}
OTHER = {key: array + 1 for key, array in PLAIN.items()}
A = {"a.weight": np.ones((2, 2), np.float32), "a.running_mean": np.zeros(2, np.float32)}
B = {key: array + 1 for key, array in A.items()}
OPTIMIZER = {"state": {0: {"exp_avg": np.ones(2)}}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}


def prefixed(prefix, state=None):
    return {prefix + key: array for key, array in (state or PLAIN).items()}


def assert_same_tree(found, expected=VARIABLES):
    jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize(
    "prefix",
    (
        *("", "_orig_mod.", "module.", "model.", "backbone.", "net.", "encoder.", "features.", "module._orig_mod."),
        *("model.backbone.", "model._orig_mod.module.net.", "_forward_module._fsdp_wrapped_module.model."),
    ),
)
def test_a_prefix_is_what_the_expected_keys_leave(prefix):
    with warnings.catch_warnings(action="error"):
        assert_same_tree(from_torch(NAME, {"n_averaged": np.array(7), **prefixed(prefix)}))


def test_wrappers_within_a_key():
    """Only `features` is DataParallel, as in PyTorch's ImageNet example; single blocks are compiled."""
    renamed = {key.replace("features.", "features.module.").replace("squeeze.", "squeeze._orig_mod."): array
               for key, array in PLAIN.items()}  # fmt: skip
    assert_same_tree(from_torch(NAME, renamed))


def test_keys_of_other_modules_are_left_out_and_named():
    """Lightning's file has the parameters of losses and metrics beside "model."."""
    beside = {"criterion.weight": np.ones(3, np.float32), "train_acc.total": np.array(5)}
    with pytest.warns(ZooWarning, match=r"model\.\*.*not criterion\.weight, train_acc\.total"):
        assert_same_tree(from_torch(NAME, {**beside, **prefixed("model.")}))


def test_without_a_prefix_nothing_is_left_out():
    with pytest.raises(zoo.ZooError, match=r"left over criterion\.weight"):
        from_torch(NAME, {**PLAIN, "criterion.weight": np.ones(3, np.float32)})


@pytest.mark.parametrize("raw", ["", "model."])
@pytest.mark.parametrize("ema", ["ema.", "model_ema.module.", "ema_model."])
def test_an_average_in_the_same_state_dict_is_taken(raw, ema):
    with pytest.warns(ZooWarning, match=rf"{ema.replace('module.', '')}\*"):
        assert_same_tree(from_torch(NAME, {**prefixed(raw, OTHER), **prefixed(ema)}))


@pytest.mark.parametrize("first", ["student.", ""])
def test_two_networks_of_which_nothing_tells_which_is_meant(first):
    with pytest.raises(zoo.ZooError, match=r"squeezenet1_1 several times.*'teacher\.'"):
        from_torch(NAME, {**prefixed(first), **prefixed("teacher.", OTHER)})
    with pytest.raises(zoo.ZooError, match="another key"):
        from_torch(NAME, {**PLAIN, **prefixed("module.", OTHER)})


def test_a_refusal_shows_the_files_own_keys_and_those_expected():
    with pytest.raises(zoo.ZooError, match=r"features\.0\.\w+ \(torchvision\).*their\.own\.key"):
        from_torch(NAME, {"their.own.key": np.ones(2, np.float32)})
    headless = {key: array for key, array in prefixed("backbone.").items() if "classifier" not in key}
    with (
        pytest.warns(ZooWarning),
        pytest.raises(zoo.ZooError, match=r"missing classifier\.1\.bias.*left over head\.weight"),
    ):
        from_torch(NAME, {**headless, "head.weight": np.ones((2, 3), np.float32)})
    with pytest.raises(zoo.ZooError, match=r"missing .*left over x\.fc\.weight, y\.fc\.weight"):
        from_torch("resnet18", {"layer1.0.conv1.weight": np.ones((64, 64, 3, 3), np.float32),
                                "x.fc.weight": np.ones(2), "y.fc.weight": np.ones(2)})  # fmt: skip


@pytest.mark.parametrize("dtype", [np.int8, np.complex64, bool])
def test_quantized_and_complex_weights_are_refused(dtype):
    with pytest.raises(zoo.ZooError, match=rf"classifier\.1\.bias is {np.dtype(dtype)}"):
        from_torch(NAME, {**PLAIN, "classifier.1.bias": PLAIN["classifier.1.bias"].astype(dtype)})


@pytest.mark.parametrize(
    "contents",
    [
        A,
        {"state_dict": A, "epoch": 3, "optimizer": B, "arch": "x", "best_acc1": np.float64(0.7)},
        {"model": A, "optimizer": OPTIMIZER, "lr_scheduler": {"last": B}, "scaler": B},
        {"epoch": 1, "model_state_dict": A, "optimizer_state_dict": OPTIMIZER, "loss": np.array(0.3)},
        {"net": A, "acc": 90.0},
        {"network": A},
        {"weights": A},
        {"trainer": {"model": {"state_dict": A}}, "callbacks": [{"best": None}]},
        [{"model": A}, OPTIMIZER],
        {"model": A, "criterion": {"weight": np.ones(3)}, "class_weights": np.ones(10)},
        {"iteration": np.array(5), "generator": A, "x": {"scale": np.ones(1)}},
        {"state_dict": A, "model": B},  # timm's order
    ],
)
def test_the_state_dict_in_any_nesting(tmp_path, contents):
    with warnings.catch_warnings(action="error"):
        found = find_state_dict(tmp_path / "w.pth", contents)
    assert {key: found[key] for key in A} == A


@pytest.mark.parametrize(
    ("contents", "name"),
    [
        ({"state_dict_ema": A, "model_ema": B, "state_dict": B}, "state_dict_ema"),
        ({"model": B, "model_ema": {"n_averaged": np.array(7), **A}}, "model_ema"),
        ({"model": B, "ema": {"module": A, "decay": 0.99}}, r"ema\.module"),
        ({"state_dict": {"model": B, "ema": A}}, r"state_dict\.ema"),
        ({"net": B, "modelEMA": A}, "modelEMA"),
    ],
)
def test_an_average_comes_first_and_that_is_said(tmp_path, contents, name):
    with pytest.warns(ZooWarning, match=rf"w\.pth: {name} is read"):
        found = find_state_dict(tmp_path / "w.pth", contents)
    assert {key: found[key] for key in A} == A


def test_an_average_without_batch_statistics_is_not_taken(tmp_path):
    shadow = {"a.weight": B["a.weight"]}
    with pytest.warns(ZooWarning, match=r"model is read, and not ema"):
        assert find_state_dict(tmp_path / "w.pth", {"model": A, "ema": {"shadow": shadow}}) == A


def test_what_holds_no_state_dict_or_two(tmp_path):
    path = tmp_path / "w.pth"
    for contents in ({"student": A, "teacher": B}, {"ema_0.99": A, "ema_0.999": B, "model": dict(A)}):
        with pytest.raises(zoo.ZooError, match=r"w\.pth .*several"):
            find_state_dict(path, contents)
    for contents in ({"epoch": 3, "optimizer": OPTIMIZER}, {"epoch": np.array(3), "optimizer": A}):
        with pytest.raises(zoo.ZooError, match=r"w\.pth .*keys are epoch, optimizer"):
            find_state_dict(path, contents)
    itself = {"model": A}
    itself["again"] = [itself] * 100
    assert find_state_dict(path, itself) == A


def test_from_torch_takes_what_torch_load_gives():
    assert_same_tree(from_torch(NAME, {"epoch": 3, "model": prefixed("module."), "optimizer": OPTIMIZER}))
    assert_same_tree(from_torch(NAME, [{"net": PLAIN}]))
    for wrong, message in (({3: np.ones(2)}, "the key 3"), (None, "NoneType"), ({}, "squeezenet1_1"), ([], "list")):
        with pytest.raises(zoo.ZooError, match=message):
            from_torch(NAME, wrong)


def test_a_file_of_a_training_script(tmp_path):
    save_file(prefixed("_orig_mod.module.backbone."), tmp_path / "w.safetensors")
    with warnings.catch_warnings(action="error"):  # one publisher, one mean: nothing is assumed
        assert_same_tree(open_pretrained(NAME, tmp_path / "w.safetensors").variables)
    np.savez(tmp_path / "w.npz", **prefixed("module."))
    assert_same_tree(open_pretrained(NAME, tmp_path / "w.npz").variables)


def test_convert_reads_such_a_file(tmp_path):
    save_file({**prefixed("ema."), **prefixed("model.", OTHER)}, tmp_path / "w.safetensors")
    with pytest.warns(ZooWarning, match=r"the keys ema\.\* are read"):
        main(["convert", str(tmp_path / "w.safetensors"), str(tmp_path / "ours.safetensors"), "--model", NAME])
    found = load(tmp_path / "ours.safetensors")
    assert_same_tree(found.variables)
    assert found.class_names == ()
