"""Networks and layers against torch: random weights, copied from torch to our trees; then the same logits.

Both sides compute in float32, and differences are relative to the largest value. Only the order of summation differs,
which makes about 2e-6 of a network's logits, 1e-5 with the statistics of a small batch; 1e-4 is allowed.
"""

import functools
import itertools
import math
from functools import partial

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo import geometry, layers, weights
from zoo.inference import init_shapes
from zoo.models.lenet import C3_INPUTS, class_codes

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
import torch_references  # noqa: E402
from golden.originals import ORIGINALS  # noqa: E402
from torch import nn  # noqa: E402

pytestmark = pytest.mark.torch


@functools.cache
def torchvision_models():
    """torchvision.models; also where torchvision's compiled operators, which no network here uses, do not load."""
    try:
        import torchvision
    except ImportError:
        pytest.skip("torchvision is not installed")
    except RuntimeError:
        operators = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torchvision_models.keep_alive = operators
        import torchvision
    return torchvision.models


# Weights


def draw(network, scale=1.0, seed=0):
    """Random weights that keep the signal's size through the network, and biases of a tenth of `scale`, its input's.

    torch's own initial weights would not do: they shrink the signal until all images have the same logits, and
    running statistics of 0 and 1 would hide their absence.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.weight.data.normal_(0, math.sqrt(2 / layer.weight[0].numel()), generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.data.uniform_(0.5, 1.5, generator=generator)
            layer.running_mean.normal_(0, 0.1, generator=generator)
            layer.running_var.uniform_(0.5, 1.5, generator=generator)
        elif isinstance(layer, torch_references.Subsampling):
            layer.coefficient.data.normal_(0, 0.5, generator=generator)
        if getattr(layer, "bias", None) is not None:
            layer.bias.data.normal_(0, 0.1 * scale, generator=generator)
    return network


def build(make, scale=1.0, **arguments):
    """A torch network with drawn weights, its slow initial ones left out; for inference."""
    with torch.device("meta"):
        network = make(**arguments)
    return draw(network.to_empty(device="cpu"), scale).eval()


def parameters_and_statistics(layer, maps=None):
    """One torch layer's parameters and statistics under our names; `maps` (c, h, w) are what a Linear has flattened."""
    if isinstance(layer, torch_references.C3):  # one filter a connection, in the order of C3_INPUTS
        filters = [
            conv.weight[0, theirs.index(source)]
            for conv, theirs, ours in zip(layer.maps, layer.inputs, C3_INPUTS, strict=True)
            for source in ours
        ]
        bias = torch.cat([conv.bias for conv in layer.maps])
        return {"kernel": torch.stack(filters, dim=-1), "bias": bias}, {}
    if isinstance(layer, torch_references.Subsampling):
        return {"coefficient": layer.coefficient, "bias": layer.bias}, {}
    bias = {} if layer.bias is None else {"bias": layer.bias}
    if isinstance(layer, nn.Conv2d):
        return {"kernel": layer.weight.permute(2, 3, 1, 0)} | bias, {}
    if isinstance(layer, nn.BatchNorm2d):
        return {"scale": layer.weight} | bias, {"mean": layer.running_mean, "var": layer.running_var}
    weight = layer.weight
    if maps is not None:  # torch flattens maps as (c, h, w), we do as (h, w, c)
        weight = weight.unflatten(1, maps).permute(0, 2, 3, 1).flatten(1)
    return {"kernel": weight.T} | bias, {}


def copied_variables(network, names, maps=None):
    """Our variables with a torch network's values; `names` gives each torch layer its place in our tree."""
    params, statistics = {}, {}
    for name, path in names.items():
        found = parameters_and_statistics(network.get_submodule(name), (maps or {}).get(name))
        for tree, leaves in zip((params, statistics), found, strict=True):
            for leaf, value in leaves.items():
                tree[f"{path}/{leaf}"] = jnp.asarray(value.detach().numpy())
    trees = {"params": params, "batch_stats": statistics}
    return {kind: flax.traverse_util.unflatten_dict(tree, sep="/") for kind, tree in trees.items() if tree}


def alexnet_names(network):
    convs = {f"features.{index}": f"conv{i}/conv" for i, index in enumerate((0, 3, 6, 8, 10), start=1)}
    return convs | {"classifier.1": "fc6", "classifier.4": "fc7", "classifier.6": "fc8"}


def vgg_names(network):
    names, stage, i = {}, 1, 0
    for index, layer in network.features.named_children():
        if isinstance(layer, nn.MaxPool2d):
            stage, i = stage + 1, 0
        elif isinstance(layer, nn.Conv2d):
            i += 1
            names[f"features.{index}"] = f"conv{stage}_{i}/conv"
        elif isinstance(layer, nn.BatchNorm2d):
            names[f"features.{index}"] = f"conv{stage}_{i}/bn"
    return names | {"classifier.0": "fc6", "classifier.3": "fc7", "classifier.6": "fc8"}


def googlenet_names(network):
    blocks = {"conv1": "conv1/7x7_s2", "conv2": "conv2/3x3_reduce", "conv3": "conv2/3x3"}
    branches = {"branch1": "1x1", "branch2.0": "3x3_reduce", "branch2.1": "3x3"}
    branches |= {"branch3.0": "5x5_reduce", "branch3.1": "5x5", "branch4.1": "pool_proj"}
    for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        blocks |= {f"inception{name}.{theirs}": f"inception_{name}/{ours}" for theirs, ours in branches.items()}
    names = {"fc": "loss3/classifier"}
    if network.aux1 is not None:
        for theirs, ours in (("aux1", "loss1"), ("aux2", "loss2")):
            blocks[f"{theirs}.conv"] = f"{ours}/conv"
            names |= {f"{theirs}.fc1": f"{ours}/fc", f"{theirs}.fc2": f"{ours}/classifier"}
    for theirs, ours in blocks.items():
        names |= {f"{theirs}.{layer}": f"{ours}/{layer}" for layer in ("conv", "bn")}
    return names


def reference_names(network):
    """The references' layers have our names already."""
    kinds = nn.Conv2d | nn.BatchNorm2d | nn.Linear | torch_references.Subsampling | torch_references.C3
    names = {name: name.replace(".", "/") for name, layer in network.named_modules() if isinstance(layer, kinds)}
    return {name: path for name, path in names.items() if ".maps." not in name}


# Comparison


def images(height, width, channels=3, scale=1.0):
    """Two of them, of coarse random colours and some noise; [batch, height, width, channel].

    Of noise alone, all images would look the same to a network that averages its last maps.
    """
    generator = np.random.default_rng(1)
    coarse = (
        generator.normal(size=(2, height // 16 + 1, width // 16 + 1, channels)).repeat(16, axis=1).repeat(16, axis=2)
    )
    noise = generator.normal(size=(2, height, width, channels))
    return (scale * (coarse[:, :height, :width] + 0.3 * noise)).astype(np.float32)


def to_torch(x):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, 3, 1)))


def from_torch(x):
    x = x.detach().numpy()
    return np.moveaxis(x, 1, 3) if x.ndim == 4 else x


def assert_same(ours, theirs, tolerance=1e-4):
    theirs = from_torch(theirs)
    assert ours.shape == theirs.shape
    difference = np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max()
    print(f"largest difference {difference:.1e}")
    assert difference < tolerance


def assert_same_logits(model, network, variables, x):
    """And logits that tell one image from the other by hundreds of times the tolerance, or nothing would be shown."""
    shapes = partial(jax.tree.map, jnp.shape)
    assert shapes(variables) == shapes(init_shapes(model)), "all of our variables are there, and no other"
    with torch.no_grad():
        theirs = network(to_torch(x))
    assert float((theirs[0] - theirs[1]).abs().max() / theirs.abs().max()) > 0.02
    assert_same(jax.jit(model.apply)(variables, x), theirs)


# torchvision's networks


@pytest.mark.parametrize("name", ["alexnet", *zoo.list_models("vgg*")])
def test_logits_are_those_of_torchvision(name):
    network = build(getattr(torchvision_models(), name))
    if name == "alexnet":
        names, maps = alexnet_names(network), {"classifier.1": (256, 6, 6)}
    else:
        names, maps = vgg_names(network), {"classifier.0": (512, 7, 7)}
    variables = copied_variables(network, names, maps)
    # The second size needs the adaptive pools, which repeat values there: 3x1 maps (AlexNet), 3x2 (VGG).
    for size in ((224, 224), (127, 64) if name == "alexnet" else (96, 64)):
        assert_same_logits(zoo.create_model(name), network, variables, images(*size))


@pytest.mark.parametrize("size", [(224, 224), (128, 96)], ids=str)
def test_googlenet_tv_has_the_logits_of_torchvision(size):
    network = build(torchvision_models().googlenet, aux_logits=False, init_weights=False)
    variables = copied_variables(network, googlenet_names(network))
    assert_same_logits(zoo.create_model("googlenet_tv"), network, variables, images(*size))


@pytest.mark.parametrize("size", [(224, 224), (128, 96)], ids=str)
def test_googlenet_tv_in_training_has_all_logits_of_torchvision(size):
    network = build(torchvision_models().googlenet, init_weights=False, dropout=0.0, dropout_aux=0.0).train()
    maps = {f"{head}.fc1": (128, 4, 4) for head in ("aux1", "aux2")}
    variables = copied_variables(network, googlenet_names(network), maps)
    model = zoo.create_model("googlenet_tv", aux_heads=True, dropout=0.0, aux_dropout=0.0)
    x = images(*size)
    apply = partial(model.apply, train=True, mutable=["batch_stats", "aux_logits"])
    logits, updated = jax.jit(apply)(variables, x)
    with torch.no_grad():
        theirs = network(to_torch(x))
    assert_same(logits, theirs.logits)
    # torchvision names them from the input on, and returns them from the output back.
    assert_same(updated["aux_logits"]["loss1"]["logits"], theirs.aux_logits1)
    assert_same(updated["aux_logits"]["loss2"]["logits"], theirs.aux_logits2)


def test_inception_v3_in_training_has_all_logits_of_torchvision():
    network = build(torchvision_models().inception_v3, init_weights=False, dropout=0.0).train()
    state = {key: value.numpy() for key, value in network.state_dict().items()}
    model = zoo.create_model("inception_v3", aux_heads=True, dropout=0.0)
    variables = weights.from_torch("inception_v3", state, model=model)
    x = images(299, 299)
    apply = partial(model.apply, train=True, mutable=["batch_stats", "aux_logits"])
    logits, updated = jax.jit(apply)(variables, x)
    with torch.no_grad():
        theirs = network(to_torch(x))
    assert_same(logits, theirs.logits)
    # Its last normalisation sees two values a channel, which magnifies the rounding before it.
    assert_same(updated["aux_logits"]["aux"]["logits"], theirs.aux_logits, tolerance=1e-3)


# The other networks, against references of our own


def reference(name):
    """(torch network, its copied variables, two images) of a network that torchvision lacks."""
    make, maps = {
        "lenet5": (torch_references.LeNet5, {}),
        "lenet5_1998": (partial(torch_references.LeNet5Of1998, torch.tensor(np.asarray(class_codes(10)))), {}),
        "alexnet_2012": (torch_references.AlexNet2012, {"fc6": (256, 6, 6)}),
        "zfnet": (torch_references.ZFNet, {"fc6": (256, 6, 6)}),
        "nin": (torch_references.NiN, {}),
        "nin_cifar10": (torch_references.NiNForCifar10, {}),
        "googlenet": (partial(torch_references.GoogLeNet, aux_heads=True), {}),
        "googlenet_bn": (partial(torch_references.GoogLeNet, norm=True), {}),
        "inception_v2": (torch_references.BNInception, {}),
    }[name]
    maps |= {f"{head}.fc": (128, 4, 4) for head in ("loss1", "loss2")}
    # Local response normalisation shows on large values only, such as the pixels 0 to 255 that Caffe feeds.
    scale = 100.0 if name in ("alexnet_2012", "zfnet", "googlenet") else 1.0
    network = build(make, scale)
    info = zoo.model_info(name)
    x = images(info.input_size, info.input_size, info.channels, scale)
    return network, copied_variables(network, reference_names(network), maps), x


REFERENCES = (
    *("lenet5", "lenet5_1998", "alexnet_2012", "zfnet", "nin", "nin_cifar10"),
    *("googlenet", "googlenet_bn", "inception_v2"),
)


def test_every_network_has_its_parity_test():
    """Here, or as golden logits of its original."""
    assert set(ORIGINALS) | set(REFERENCES) == set(zoo.list_models())


@pytest.mark.parametrize("name", REFERENCES)
def test_logits_are_those_of_the_reference(name):
    network, variables, x = reference(name)
    aux = {"aux_heads": True} if name == "googlenet" else {}
    assert_same_logits(zoo.create_model(name, **aux), network, variables, x)


def test_googlenet_in_training_has_the_auxiliary_logits_of_the_reference():
    network, variables, x = reference("googlenet")
    model = zoo.create_model("googlenet", aux_heads=True, dropout=0.0, aux_dropout=0.0)
    apply = partial(model.apply, train=True, mutable=["aux_logits"])
    logits, updated = jax.jit(apply)(variables, x)
    with torch.no_grad():
        theirs = network.train()(to_torch(x))
    heads = updated["aux_logits"]
    for ours, head in zip((logits, heads["loss1"]["logits"], heads["loss2"]["logits"]), theirs, strict=True):
        assert_same(ours, head)


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998", "nin_cifar10", "googlenet"])
def test_gradient_by_the_image_is_that_of_the_reference(name):
    """In float64: in float32, rounding decides the ReLUs and pools that are near a tie, and so where gradients go."""
    network, variables, x = reference(name)
    aux = {"aux_heads": True} if name == "googlenet" else {}
    labels = np.array([3, 7])
    with jax.enable_x64(True):
        model = zoo.create_model(name, dtype=jnp.float64, **aux)
        variables, x = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), (variables, x))

        def loss(x):
            log_p = jax.nn.log_softmax(model.apply(variables, x))
            return -log_p[np.arange(2), labels].mean()

        ours = jax.jit(jax.grad(loss))(x)
    theirs = to_torch(x).requires_grad_()
    F.cross_entropy(network.double()(theirs), torch.from_numpy(labels)).backward()
    assert_same(ours, theirs.grad, tolerance=1e-6)  # logits are float32, and local response normalisation's sums


# Layers

WINDOWS = [
    (window, stride, padding)
    for window, stride, padding in itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2))
    if padding <= window // 2  # torch allows no more
]


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pool_sizes(ceil_mode):
    """Sizes alone, over all small images; a pool that does not fit is an error on both sides."""
    for size, (window, stride, padding) in itertools.product(range(1, 16), WINDOWS):
        try:
            x = torch.empty(1, 1, size, size + 1, device="meta")
            theirs = tuple(F.max_pool2d(x, window, stride, padding, ceil_mode=ceil_mode).shape[2:])
        except RuntimeError:
            theirs = None
        try:
            ours = geometry.output_size((size, size + 1), window, stride, padding, ceil_mode=ceil_mode)
        except geometry.WindowTooLarge:
            ours = None
        assert ours == theirs, (size, window, stride, padding)


@pytest.mark.parametrize("size", [(5, 6), (7, 8), (9, 13)], ids=str)
def test_pool_values(size):
    x = images(*size, channels=2)

    def all_pools(max_pool, avg_pool, x):
        pools = [max_pool, partial(avg_pool, count_include_pad=True), partial(avg_pool, count_include_pad=False)]
        grid = itertools.product(pools, WINDOWS, (False, True))
        return [pool(x, *window, ceil_mode=ceil_mode) for pool, window, ceil_mode in grid]

    all_of_ours = jax.jit(partial(all_pools, layers.max_pool, layers.avg_pool))(x)  # one compilation
    all_of_theirs = all_pools(F.max_pool2d, F.avg_pool2d, to_torch(x))
    for ours, theirs in zip(all_of_ours, all_of_theirs, strict=True):
        assert_same(ours, theirs, 1e-6)


@pytest.mark.parametrize("size", [1, (3, 5), 4, 7, (6, 11), 16], ids=str)
def test_adaptive_avg_pool(size):
    x = images(7, 14)
    assert_same(layers.adaptive_avg_pool(x, size), F.adaptive_avg_pool2d(to_torch(x), size), 1e-6)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 8])
def test_local_response_norm(size):
    x = images(4, 3, channels=7, scale=100.0)
    # torch divides alpha by the size, the paper does not.
    ours = layers.local_response_norm(x, size=size, alpha=1e-3 / size, beta=0.6, k=1.5)
    assert_same(ours, F.local_response_norm(to_torch(x), size, alpha=1e-3, beta=0.6, k=1.5), 1e-5)
