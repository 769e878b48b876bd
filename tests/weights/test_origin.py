"""What is known of a file beside its arrays: publishers with the same keys are told apart, classes are not guessed."""

import json
from dataclasses import replace
from functools import cache

import jax
import numpy as np
import pytest
from safetensors.numpy import save as serialized
from safetensors.numpy import save_file

import zoo
from zoo.errors import ZooWarning
from zoo.models.variables import init_shapes
from zoo.weights import open_pretrained
from zoo.weights import origin as module
from zoo.weights.convert import read_weights
from zoo.weights.from_state_dict import fields_by_keys, from_state_dict
from zoo.weights.key_maps import KEY_MAPS, find_key_map
from zoo.weights.origin import Origin, origin_named
from zoo.weights.published import imagenet_classes, published_weights
from zoo.weights.stored_array import open_weights
from zoo.weights.timm_architectures import TIMM_ARCHITECTURES
from zoo.weights.torch_keys import torch_key

B0 = "efficientnet_b0"
GOOGLE = {"epsilon": 1e-3, "same_padding": True}  # of TensorFlow's EfficientNets: tf.keras BatchNormalization, SAME


def origin_of_file(name, path):
    with open_weights(path) as file:
        return module.origin_of_file(name, file)


def state_of(name, library):
    """Zeros with a library's keys: what tells files apart here is not in their arrays."""
    mapping = find_key_map(name, library)
    leaves = jax.tree.leaves_with_path(init_shapes(zoo.create_model(name)))
    return {torch_key(path, mapping): np.zeros(theirs(leaf.shape), np.float32) for path, leaf in leaves}


def theirs(shape):
    return {4: lambda: (shape[3], shape[2], *shape[:2]), 2: lambda: shape[::-1], 1: lambda: shape}[len(shape)]()


@cache
def contents():
    return serialized(state_of(B0, "timm"))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(contents())
    return tmp_path / "model.safetensors"


def test_keys_of_two_publishers_are_an_error_until_it_is_said_whose(file):
    for call in (lambda: open_pretrained(B0, file), lambda: read_weights(B0, str(file), "timm")):
        with pytest.raises(
            zoo.ZooError, match=r"efficientnet_b0 \(no fields\).*tf_efficientnet_b0 \(.*same_padding=True"
        ):
            call()
    assert origin_named(B0, "timm/ra_in1k").fields == origin_named(B0, "efficientnet_b0").fields == {}
    with pytest.warns(ZooWarning, match=r"0\.485.*timm/tf_efficientnet_b0\.ap_in1k"):  # a mean of 0.5
        assert open_pretrained(B0, file, like="tf_efficientnet_b0").fields == GOOGLE
    advprop = read_weights(B0, str(file), "timm/tf_efficientnet_b0.ap_in1k")
    assert advprop.fields == GOOGLE and advprop.preprocessing.mean == (0.5, 0.5, 0.5)
    assert advprop.class_names == ()  # trained from it, on classes of its own
    with pytest.raises(zoo.ZooError, match=r"'a1_in1k'.*efficientnet_b0"):
        open_pretrained(B0, file, like="a1_in1k")


@pytest.mark.parametrize("name", sorted(KEY_MAPS))
def test_every_network_has_one_way_to_compute_or_an_error(name):
    """For each library's keys: the fields that all who publish with these keys need, or else an error."""
    for library in set(KEY_MAPS[name]) - {"keras"}:
        alike = [
            one for one in published_weights(name) if find_key_map(name, one.key_map) == find_key_map(name, library)
        ]
        differ = any(one.fields != alike[0].fields for one in alike)
        if differ or (library == "timm" and name in TIMM_ARCHITECTURES):
            with pytest.raises(zoo.ZooError, match="compute"):
                fields_by_keys(name, library)
        else:
            assert fields_by_keys(name, library) == (alike[0].fields if alike else {})


def config(**more):
    return {"architecture": "tf_efficientnet_b0", "pretrained_cfg": {"tag": "ap_in1k"}, **more}


@pytest.mark.parametrize(
    ("stated", "fields", "mean"),
    [
        (config(), GOOGLE, 0.5),
        (config(pretrained_cfg={}), GOOGLE, None),
        (config(architecture="efficientnet_b0"), {}, None),
    ],
)
def test_timms_config_tells(file, stated, fields, mean):
    (file.parent / "config.json").write_text(json.dumps(stated))
    found = origin_of_file(B0, file)
    assert (found.key_map, found.fields, found.class_names) == ("timm", fields, ())
    assert found.preprocessing is None if mean is None else found.preprocessing.mean[0] == mean


STATED = {
    "tag": "ap_in1k",
    "input_size": [3, 96, 128],
    "mean": [0.1, 0.2, 0.3],
    "std": [0.4, 0.5, 0.6],
    "crop_pct": 0.9,
    "interpolation": "bicubic",
}


def test_the_preprocessing_that_a_config_states(file):
    """A file that was trained from another with its own: what timm writes beside it goes before the original's."""
    (file.parent / "config.json").write_text(json.dumps(config(pretrained_cfg=STATED)))
    found = origin_of_file(B0, file).preprocessing
    assert (found.image_shape, found.mean, found.std) == ((96, 128, 3), (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert (found.fit, found.crop, found.interpolation) == ("resize", 0.9, "bicubic")
    (file.parent / "config.json").write_text(json.dumps(config(pretrained_cfg={**STATED, "crop_mode": "squash"})))
    assert origin_of_file(B0, file).preprocessing == replace(found, fit="squash")


def written(folder, text):
    (folder / "model.safetensors").write_bytes(b"")
    (folder / "config.json").write_text(text)
    return folder / "model.safetensors"


@pytest.mark.parametrize(
    "other",
    [
        {"std": [1, 1]},
        {"input_size": [1, 96, 96], "mean": [0.5], "std": [0.5]},
        {"interpolation": "random"},
        {"crop_pct": 2},
        {"crop_mode": "border"},
    ],
)
def test_a_stated_preprocessing_that_zoo_does_not_have_is_left_out_and_a_line_says_so(tmp_path, other):
    file = written(tmp_path, json.dumps(config(pretrained_cfg={**STATED, **other})))
    with pytest.warns(ZooWarning, match=next(iter(other))):
        assert origin_of_file(B0, file) == origin_named(B0, "timm/tf_efficientnet_b0.ap_in1k")


def test_a_preprocessing_that_is_stated_in_part_is_left_out(tmp_path):
    file = written(tmp_path, json.dumps(config(pretrained_cfg={**STATED, "crop_pct": None})))
    assert origin_of_file(B0, file) == origin_named(B0, "timm/tf_efficientnet_b0.ap_in1k")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"std": [0, 1, 1]}, r"std\[0\] is 0"),
        ({"mean": "abc"}, r'mean is "abc"'),
        ({"mean": [float("nan")] * 3}, r"mean\[0\] is NaN"),
        ({"input_size": [3, -1, 10**9]}, r"input_size\[1\] is -1"),
        ({"input_size": [3, 96.5, 96]}, r"input_size\[1\] is 96.5"),
        ({"interpolation": ["bicubic"]}, "interpolation is a list"),
    ],
)
def test_a_wrong_value_in_a_config_is_named(tmp_path, wrong, field):
    file = written(tmp_path, json.dumps(config(pretrained_cfg={**STATED, **wrong})))
    with pytest.raises(zoo.ZooError, match=rf"config\.json: pretrained_cfg\.{field}"):
        origin_of_file(B0, file)


def test_a_config_of_another_architecture(file):
    (file.parent / "config.json").write_text(json.dumps(config(architecture="efficientnet_blur_b0")))
    with pytest.raises(zoo.ZooError, match=r"config\.json.*efficientnet_blur_b0"):
        open_pretrained(B0, file)


@pytest.mark.parametrize("text", ["[]", '{"architectures": ["x"]}', '{"architecture": "x"}'])
def test_a_config_that_is_none_of_timms(file, text):
    (file.parent / "config.json").write_text(text)
    assert origin_of_file(B0, file) == Origin()


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"architecture": 3, "pretrained_cfg": []}'])
def test_a_config_that_is_damaged(tmp_path, text):
    with pytest.raises(zoo.ZooError, match=r"config\.json.*move the weights"):
        origin_of_file(B0, written(tmp_path, text))


def test_classes_come_from_a_known_source_only(tmp_path):
    """That a network has 1,000 outputs says nothing of its classes."""
    name, snapshot = "mnasnet1_0", tmp_path / "models--timm--mnasnet_100.rmsp_in1k" / "snapshots" / ("1" * 40)
    state = state_of(name, "timm")
    assert from_state_dict(name, state, Origin(class_names=("cat", "dog"))).class_names == ()
    snapshot.mkdir(parents=True)
    save_file(state, snapshot / "model.safetensors")
    stated = {"architecture": "mnasnet_100", "pretrained_cfg": {"tag": "rmsp_in1k"}}
    (snapshot / "config.json").write_text(json.dumps(stated))
    assert open_pretrained(name, snapshot).class_names == imagenet_classes()  # the hub's own copy
    elsewhere = snapshot.rename(tmp_path / "mine") / "model.safetensors"
    assert origin_of_file(name, elsewhere).class_names == ()  # perhaps trained from it: timm keeps the tag
    labels = [f"species {number}" for number in range(1000)]
    elsewhere.with_name("config.json").write_text(json.dumps({**stated, "label_names": labels}))
    assert origin_of_file(name, elsewhere).class_names == tuple(labels)


def test_like_is_for_files_of_unknown_origin(file, tmp_path):
    with pytest.raises(zoo.ZooError, match="timm/ra_in1k"):
        open_pretrained(B0, "timm/ra_in1k", like="tf_efficientnet_b0")
    assert origin_named(B0, "timm/ra_in1k").key_map == "timm"
