"""Networks that no library has are compared with the torch networks of torch_references.py: equal logits."""

import math
from functools import partial

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from comparison import assert_same, images, to_torch  # noqa: E402
from networks import torch_references  # noqa: E402
from networks.originals import ORIGINALS  # noqa: E402
from torch import nn  # noqa: E402

import zoo  # noqa: E402
from zoo.models.lenet import C3_INPUTS  # noqa: E402
from zoo.models.variables import init_shapes  # noqa: E402

pytestmark = pytest.mark.torch

# Weights


def randomise(network, scale=1.0, seed=0):
    """Set random weights that keep the scale of the activations, and biases of a tenth of `scale`, that of the input.

    With torch's initial weights the activations shrink until all images have the same logits, and with running
    statistics of 0 and 1 a test could not notice that they are missing.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.weight.data.normal_(0, math.sqrt(2 / layer.weight[0].numel()), generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            if layer.weight is not None:
                layer.weight.data.uniform_(0.5, 1.5, generator=generator)
            layer.running_mean.normal_(0, 0.1, generator=generator)
            layer.running_var.uniform_(0.5, 1.5, generator=generator)
        elif isinstance(layer, torch_references.Subsampling):
            layer.coefficient.data.normal_(0, 0.5, generator=generator)
        if getattr(layer, "bias", None) is not None:
            layer.bias.data.normal_(0, 0.1 * scale, generator=generator)
    return network


def build(make, scale=1.0, **arguments):
    """A torch network with random weights, for inference; torch's slow initialization is skipped."""
    with torch.device("meta"):
        network = make(**arguments)
    return randomise(network.to_empty(device="cpu"), scale).eval()


def parameters_and_statistics(layer, maps=None):
    """The parameters and statistics of a torch layer under our names; `maps` is (c, h, w) of a flattened input."""
    if isinstance(layer, torch_references.C3):  # one filter per connection, in the order of C3_INPUTS
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
        scale = {} if layer.weight is None else {"scale": layer.weight}
        return scale | bias, {"mean": layer.running_mean, "var": layer.running_var}
    weight = layer.weight
    if maps is not None:  # torch flattens maps as (c, h, w), we do as (h, w, c)
        weight = weight.unflatten(1, maps).permute(0, 2, 3, 1).flatten(1)
    return {"kernel": weight.T} | bias, {}


def copied_variables(network, names, maps=None):
    """Our variables with the values of a torch network; `names` maps its layer names to paths in our tree."""
    params, statistics = {}, {}
    for name, path in names.items():
        found = parameters_and_statistics(network.get_submodule(name), (maps or {}).get(name))
        for tree, leaves in zip((params, statistics), found, strict=True):
            for leaf, value in leaves.items():
                tree[f"{path}/{leaf}"] = jnp.asarray(value.detach().numpy())
    trees = {"params": params, "batch_stats": statistics}
    return {kind: flax.traverse_util.unflatten_dict(tree, sep="/") for kind, tree in trees.items() if tree}


def reference_names(network):
    """The layers of the references already have our names."""
    kinds = nn.Conv2d | nn.BatchNorm2d | nn.Linear | torch_references.Subsampling | torch_references.C3
    names = {name: name.replace(".", "/") for name, layer in network.named_modules() if isinstance(layer, kinds)}
    return {name: path for name, path in names.items() if ".maps." not in name}


# Comparison


def assert_same_logits(model, network, variables, x):
    """Equal logits. Those of the two images must differ by 200 times the tolerance, or the test shows nothing."""
    shapes = partial(jax.tree.map, jnp.shape)
    assert shapes(variables) == shapes(init_shapes(model)), (
        "the variables of the reference are not those of our network"
    )
    with torch.no_grad():
        theirs = network(to_torch(x))
    assert float((theirs[0] - theirs[1]).abs().max() / theirs.abs().max()) > 0.02
    assert_same(jax.jit(model.apply)(variables, x), theirs)


def reference(name):
    """(torch network, its copied variables, two images) of a network that torchvision lacks."""
    make, flattened, scale = torch_references.REFERENCES[name]
    network = build(make, scale)
    info = zoo.model_info(name)
    x = images(info.input_size, info.input_size, info.channels, scale)
    return network, copied_variables(network, reference_names(network), flattened), x


def test_every_network_has_its_parity_test():
    """In this file, or as golden logits of the original."""
    assert set(ORIGINALS) | set(torch_references.REFERENCES) == set(zoo.list_models())


@pytest.mark.parametrize("name", torch_references.REFERENCES)
def test_logits_equal_those_of_the_reference(name):
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
def test_image_gradients_equal_those_of_the_reference(name):
    """In float64: in float32 rounding decides ties of ReLUs and pools, and with them the path of the gradients."""
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
