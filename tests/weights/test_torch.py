"""State dicts without torch: recognition, what may be left out, what is refused."""

import jax
import numpy as np
import pytest
from quick import QUICK, QUICK_TO_COMPUTE, drawn

import zoo
from zoo.models.variables import init_shapes
from zoo.weights import from_torch, to_torch
from zoo.weights.head_and_aux import head_leaves
from zoo.weights.key_maps import KEY_MAPS, find_key_map
from zoo.weights.variable_tree import fill_variables

PAIRS = [(name, key_map) for name, by_library in KEY_MAPS.items() for key_map in by_library if key_map != "keras"]
QUICK_PAIRS = [
    pytest.param(*pair, marks=() if pair[0] in QUICK_TO_COMPUTE else pytest.mark.slow)
    for pair in PAIRS
    if pair[0] in QUICK
]


def state_of(name, key_map, **fields):
    model = zoo.create_model(name, **find_key_map(name, key_map).fields, **fields)
    variables = drawn(model, model.image_shape)
    return variables, to_torch(name, variables, key_map)


def assert_same_tree(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize(("name", "key_map"), [*QUICK_PAIRS, ("inception_v2_caffe", "cadene")])
def test_the_key_map_is_recognised_and_the_round_trip_exact(name, key_map):
    variables, state = state_of(name, key_map)
    found = from_torch(name, state)
    assert_same_tree(found, variables)
    assert_same_tree(to_torch(name, found, key_map), state)


def test_counters_are_no_weights():
    variables, state = state_of("resnet18", "torchvision")
    assert_same_tree(from_torch("resnet18", {**state, "bn1.num_batches_tracked": np.array(3)}), variables)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", {"fc"}),
        ("squeezenet1_1", {"conv10"}),
        ("googlenet_tv", {"loss3"}),
        ("mobilenet_v3_small", {"fc2"}),
        ("convnext_tiny", {"fc"}),
    ],
)
def test_the_head_is_left_out_when_asked(name, head):
    variables, state = state_of(name, "torchvision", num_classes=7)
    found = from_torch(name, state, skip="head")
    assert set(variables["params"]) - set(found["params"]) == head
    without = {**variables, "params": {key: value for key, value in variables["params"].items() if key not in head}}
    assert_same_tree(found, without)


def test_the_head_is_what_depends_on_the_number_of_classes():
    paths = {jax.tree_util.keystr(path, simple=True, separator="/") for path in head_leaves(zoo.create_model("vgg11"))}
    assert paths == {"params/fc8/kernel", "params/fc8/bias"}


def test_auxiliary_heads_are_left_out_when_asked_and_never_silently():
    with_heads, state = state_of("googlenet_tv", "torchvision", aux_heads=True)
    plain = init_shapes(zoo.create_model("googlenet_tv"))
    found = from_torch("googlenet_tv", state, skip="aux")
    assert jax.tree.structure(found) == jax.tree.structure(plain)
    assert_same_tree(found["params"]["conv1"], with_heads["params"]["conv1"])
    with pytest.raises(zoo.ZooError, match=r"missing none; left over aux1\.conv\.bn\.bias, .* and \d+ more"):
        from_torch("googlenet_tv", state)
    assert_same_tree(
        from_torch("googlenet_tv", state, model=zoo.create_model("googlenet_tv", aux_heads=True)), with_heads
    )
    both = from_torch("googlenet_tv", state, skip=("aux", "head"))
    assert set(found["params"]) - set(both["params"]) == {"loss3"}


def test_keys_left_over_and_missing_are_listed_on_both_sides():
    _, state = state_of("resnet18", "torchvision")
    state["layer9.weight"] = state.pop("layer1.0.conv1.weight")
    message = r"not the weights of resnet18: missing layer1\.0\.conv1\.weight; left over layer9\.weight"
    with pytest.raises(zoo.ZooError, match=message):
        from_torch("resnet18", state)


def test_another_networks_weights_are_refused():
    _, state = state_of("squeezenet1_1", "torchvision")
    with pytest.raises(zoo.ZooError, match=r"not the weights of resnet18: expected .* bn1"):
        from_torch("resnet18", state)
    with pytest.raises(zoo.ZooError, match="not the weights of squeezenet1_0"):
        from_torch("squeezenet1_0", {**state, "features.13.squeeze.weight": np.zeros(1)})


@pytest.mark.parametrize("shape", [(7, 512), (512, 1000), (500, 1024)])
def test_shapes_are_checked_also_where_the_sizes_agree(shape):
    _, state = state_of("resnet18", "torchvision")
    with pytest.raises(zoo.ZooError, match=r"fc\.weight has the shape .* does not fit resnet18's \(512, 1000\)"):
        from_torch("resnet18", {**state, "fc.weight": np.zeros(shape, np.float32)})


def test_a_kernel_of_1x7_is_none_of_7x1():
    """Ports of Inception differ in their order, and nothing else tells."""
    kernel, shape, key = np.ones((1, 7, 4, 5)), jax.ShapeDtypeStruct((7, 1, 4, 5), np.float32), "b.weight"
    with pytest.raises(zoo.ZooError, match=r"b\.weight has the shape \(1, 7, 4, 5\).*\(7, 1, 4, 5\)"):
        fill_variables("x", {"params": {"b": shape}}, {key: kernel}, lambda path: key, lambda array, path: array)


@pytest.mark.parametrize(
    ("theirs", "ours"), [((1, 1, 4, 5), (4, 5)), ((3, 3, 4, 1), (3, 3, 1, 4)), ((4, 1, 1), (4,)), ((1, 7, 4, 5),) * 2]
)
def test_axes_of_size_1_are_no_other_shape(theirs, ours):
    values, key = np.arange(np.prod(theirs), dtype=np.float32), "b.weight"
    tree = fill_variables(
        "x",
        {"params": {"b": jax.ShapeDtypeStruct(ours, np.float32)}},
        {key: values.reshape(theirs)},
        lambda path: key,
        lambda array, path: array,
    )
    np.testing.assert_array_equal(tree["params"]["b"], values.reshape(ours))


def test_shapes_of_flattened_maps_are_checked():
    _, state = state_of("alexnet", "torchvision")
    with pytest.raises(zoo.ZooError, match=r"classifier\.1\.weight has the shape \(4096, 100\)"):
        from_torch("alexnet", {**state, "classifier.1.weight": np.zeros((4096, 100), np.float32)})


def test_unknown_parts_key_maps_and_networks_are_one_line():
    _, state = state_of("squeezenet1_1", "torchvision")
    with pytest.raises(zoo.ZooError, match=r"'tail'.* head, aux"):
        from_torch("squeezenet1_1", state, skip="tail")
    with pytest.raises(zoo.ZooError, match="SqueezeNet has no aux to skip"):
        from_torch("squeezenet1_1", state, skip="aux")
    with pytest.raises(zoo.ZooError, match=r"timm has no squeezenet1_1.* torchvision"):
        from_torch("squeezenet1_1", state, "timm")
    with pytest.raises(zoo.ZooError, match="no library's torch weights are known for lenet5"):
        from_torch("lenet5", {})
