"""Projections, gradients and maps equal captum's on torchvision's networks with the same random weights.

In a large image there are activations so close to zero, or to the maximum of a pool, that another order of summation
changes the path of the signal, and the result by a thousandth. For images of the sizes below the distance is at least
four times torch's rounding error.
"""

import pytest

torch = pytest.importorskip("torch")
captum = pytest.importorskip("captum.attr", reason="captum is not installed: pip install --no-deps captum")

from comparison import assert_same, images, to_torch  # noqa: E402
from networks.originals import build_original, parameter  # noqa: E402

import zoo  # noqa: E402
from zoo.visualize import deconvnet, grad_cam, integrated_gradients, saliency  # noqa: E402
from zoo.weights import from_torch  # noqa: E402

pytestmark = pytest.mark.torch

# The methods of captum for a class, and for one unit of a layer.
OF_A_CLASS = {"deconvnet": captum.Deconvolution, "guided": captum.GuidedBackprop, "gradient": captum.InputXGradient}
OF_A_NEURON = {
    "deconvnet": captum.NeuronDeconvolution,
    "guided": captum.NeuronGuidedBackprop,
    "gradient": captum.NeuronGradient,
}
# A layer of ours, the index of its ReLU in torchvision's `features`, two units, the image size.
LAYERS = {"alexnet": ("conv5", 11, (232, 207), (64, 80)), "vgg11": ("conv4_2", 14, (166, 280), (32, 36))}


@pytest.fixture(scope="module", params=LAYERS)
def networks(request):
    """Our network, its variables, a layer with two units; the original network, its layer; images."""
    name = request.param
    layer, index, units, size = LAYERS[name]
    original = build_original(name)
    original.load_state_dict(
        {key: torch.from_numpy(parameter(name, key, value.shape)) for key, value in original.state_dict().items()}
    )
    for module in original.modules():
        # Captum's hooks need the input and the output of a ReLU as two tensors.
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    variables = from_torch(name, original.state_dict(), "torchvision")
    return zoo.create_model(name), variables, (layer, units), original, original.features[index], images(*size)


@pytest.mark.filterwarnings("ignore:Setting .* hooks on ReLU", "ignore:Input Tensor 0 did not")
@pytest.mark.parametrize("rule", OF_A_NEURON)
def test_projections_of_a_layer(networks, rule):
    model, variables, (layer, units), original, relu, x = networks
    ours = deconvnet(model, variables, x, layer, units, rule=rule)
    assert (ours.values > 0).all()
    method = OF_A_NEURON[rule](original, relu)
    for i, unit in enumerate(units):
        neuron = (unit, *ours.positions[i].tolist())
        assert_same(ours.pixels[i : i + 1], method.attribute(to_torch(x[i : i + 1]), neuron))


@pytest.mark.filterwarnings("ignore:Setting .* hooks on ReLU", "ignore:Input Tensor 0 did not")
@pytest.mark.parametrize("rule", OF_A_CLASS)
def test_gradients_of_a_class(networks, rule):
    model, variables, _, original, _, x = networks
    ours = saliency(model, variables, x, [5, 700], rule=rule)
    theirs = OF_A_CLASS[rule](original).attribute(to_torch(x), target=[5, 700])
    assert_same(ours * x if rule == "gradient" else ours, theirs)


def test_grad_cam(networks):
    model, variables, (layer, _), original, relu, x = networks
    theirs = captum.LayerGradCam(original, relu).attribute(to_torch(x), target=[5, 700], relu_attributions=True)
    assert_same(grad_cam(model, variables, x, [5, 700], layer=layer)[..., None], theirs)


def test_integrated_gradients(networks):
    """Captum's "riemann_middle" has the same points; one of the nine images of the path may be rounded differently."""
    model, variables, _, original, _, x = networks
    theirs = captum.IntegratedGradients(original).attribute(
        to_torch(x), target=[5, 700], n_steps=9, method="riemann_middle"
    )
    assert_same(integrated_gradients(model, variables, x, [5, 700], steps=9), theirs.float(), tolerance=1e-2)
