"""Projections to the pixels against Zeiler and Fergus's steps in NumPy, against jax.grad, and their properties."""

import jax
import numpy as np
import pytest
from quick import OPTIMIZED
from small_networks import CONVOLUTIONS, IMAGE, Small, images, maps_of, variables_of

import zoo
from zoo.visualize import deconvnet, project, receptive_boxes

# The paper's steps, in float64


def convolved(x, kernel, bias, padding):
    x = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
    height, width = (n - kernel.shape[0] + 1 for n in x.shape[:2])
    y = np.zeros((height, width, kernel.shape[3]))
    for row, column in np.ndindex(height, width):
        patch = x[row : row + kernel.shape[0], column : column + kernel.shape[1]]
        y[row, column] = np.tensordot(patch, kernel, 3) + bias
    return y


def transposed(signal, kernel, padding):
    height, width = (n + kernel.shape[0] - 1 for n in signal.shape[:2])
    x = np.zeros((height, width, kernel.shape[2]))
    for row, column in np.ndindex(signal.shape[:2]):
        x[row : row + kernel.shape[0], column : column + kernel.shape[1]] += kernel @ signal[row, column]
    return x[padding : height - padding, padding : width - padding]


def pooled(x, window, stride):
    """The largest values, and where in x each of them is."""
    height, width = ((n - window) // stride + 1 for n in x.shape[:2])
    y, switches = np.zeros((height, width, x.shape[2])), {}
    for row, column, map_ in np.ndindex(y.shape):
        patch = x[row * stride : row * stride + window, column * stride : column * stride + window, map_]
        r, c = np.unravel_index(patch.argmax(), patch.shape)
        y[row, column, map_] = patch[r, c]
        switches[row, column, map_] = row * stride + r, column * stride + c, map_
    return y, switches


def unpooled(signal, switches, shape):
    x = np.zeros(shape)
    for position, switch in switches.items():
        x[switch] += signal[position]
    return x


def zeiler_and_fergus(params, image, unit, rule):
    """The strongest activation of a unit of the last layer, and its picture."""
    kernels = [np.asarray(params[f"conv{i}"]["conv"]["kernel"], np.float64) for i in range(1, len(CONVOLUTIONS) + 1)]
    biases = [np.asarray(params[f"conv{i}"]["conv"]["bias"], np.float64) for i in range(1, len(CONVOLUTIONS) + 1)]
    x, kept = image.astype(np.float64), []
    for kernel, bias, (_, _, _, padding, pool) in zip(kernels, biases, CONVOLUTIONS, strict=True):
        before = convolved(x, kernel, bias, padding)
        x, switches = np.maximum(before, 0), None
        if pool:
            x, switches = pooled(x, *pool)
        kept.append((before, switches))

    position = np.unravel_index(x[..., unit].argmax(), x.shape[:2])
    signal = np.zeros_like(x)
    signal[*position, unit] = value = x[*position, unit]
    for kernel, (_, _, _, padding, _), (before, switches) in reversed(
        list(zip(kernels, CONVOLUTIONS, kept, strict=True))
    ):
        if switches:
            signal = unpooled(signal, switches, before.shape)
        if rule != "gradient":
            signal = np.maximum(signal, 0)
        if rule != "deconvnet":
            signal = signal * (before > 0)
        signal = transposed(signal, kernel, padding)
    return value, position, signal


@pytest.mark.parametrize("rule", ["deconvnet", "guided", "gradient"])
def test_the_projection_is_that_of_the_papers_steps(rule):
    model, x = Small(), images(2)
    variables, units = variables_of(model), [3, 5]
    ours = deconvnet(model, variables, x, "conv3", units, rule=rule)
    for i, unit in enumerate(units):
        value, position, pixels = zeiler_and_fergus(variables["params"], x[i], unit, rule)
        assert value > 0 and np.abs(pixels).max() > 0
        assert tuple(ours.positions[i]) == position
        np.testing.assert_allclose(ours.values[i], value, rtol=1e-5)
        np.testing.assert_allclose(ours.values[i] * ours.pixels[i], pixels, atol=1e-5 * np.abs(pixels).max())


@pytest.mark.parametrize("norm", [False, True])
def test_the_gradient_is_that_of_jax_bit_for_bit(norm):
    model, x = Small(norm=norm), images(3)
    variables = variables_of(model)
    ours = deconvnet(model, variables, x, "conv2", 4, rule="gradient")

    def strongest(x, variables):
        return zoo.features(model, variables, x, ["conv2"])["conv2"][..., 4].max(axis=(1, 2)).sum()

    assert np.isfinite(ours.pixels).all() and ours.pixels.any()
    # The variables as arguments, as there: where they are constants, XLA multiplies some of them beforehand.
    gradient = jax.jit(jax.grad(strongest), compiler_options=zoo.compiler_options())(x, variables)
    np.testing.assert_allclose(ours.pixels, gradient, rtol=1e-4, atol=1e-7)
    # Without its optimisations XLA computes a maximum and what is compared with it by different sums; newer versions
    # round the two programs differently. Programs as users run them are compared to the bit, in CI on both Pythons.
    if OPTIMIZED:
        np.testing.assert_array_equal(ours.pixels, gradient)
        np.testing.assert_array_equal(ours.pixels, jax.grad(strongest)(x, variables))


@pytest.mark.parametrize(
    ("layer", "rule"),
    [*((f"conv{i}", "deconvnet") for i in (1, 2, 3)), ("conv3", "guided"), ("conv3", "gradient")],
)
def test_the_projection_is_inside_the_receptive_field(layer, rule):
    model, x = Small(), images(4)
    made = deconvnet(model, variables_of(model), x, layer, 1, rule=rule)
    boxes = receptive_boxes(model, IMAGE, layer, made.positions)
    for pixels, (top, left, bottom, right) in zip(made.pixels, boxes, strict=True):
        inside = pixels[max(top, 0) : bottom, max(left, 0) : right]
        assert np.count_nonzero(inside) == np.count_nonzero(pixels) > 0


@pytest.mark.parametrize("rule", ["deconvnet", "guided", "gradient"])
def test_the_projection_is_positively_homogeneous(rule):
    model, x = Small(), images(2)
    variables = variables_of(model)
    signal = np.random.default_rng(1).normal(size=(2, 2, 3, 7)).astype(np.float32)
    once, thrice, minus = (project(model, variables, x, "conv3", s * signal, rule=rule) for s in (1, 3, -1))
    np.testing.assert_allclose(thrice, 3 * once, atol=1e-5 * np.abs(once).max())
    assert np.allclose(minus, -once, atol=1e-5) == (rule == "gradient")


def test_only_the_deconvnet_does_not_depend_on_the_image_without_pools():
    model, x = Small(pools=False), images(2)
    variables = variables_of(model)
    signal = np.ones(maps_of(model, variables, x, "conv3").shape, np.float32)
    for rule in ("deconvnet", "guided", "gradient"):
        one, other = project(model, variables, x, "conv3", signal, rule=rule)
        assert one.any() and other.any()
        # Not to the bit: two images of a batch may be summed in different orders.
        assert np.allclose(one, other, rtol=1e-6, atol=1e-6 * np.abs(one).max()) == (rule == "deconvnet")


def test_with_pools_the_deconvnet_depends_on_the_image():
    model, x = Small(), images(2)
    one, other = deconvnet(model, variables_of(model), x, "conv3", 2, position=(1, 1)).pixels
    assert not np.allclose(one, other)


def test_a_block_is_projected_from_after_its_activation_and_its_parts_from_before():
    model, x = Small(norm=True), images(1)
    variables = variables_of(model)
    maps = np.asarray(maps_of(model, variables, x, "conv1/bn"))[0]
    *least, unit = np.unravel_index(maps.argmin(), maps.shape)
    after, before = (deconvnet(model, variables, x, layer, unit, position=least) for layer in ("conv1", "conv1/bn"))
    assert before.values < 0 and after.values == 0
    np.testing.assert_array_equal(after.pixels, before.pixels)
    after = deconvnet(model, variables, x, "conv1", unit, position=least, rule="guided")
    assert not after.pixels.any()


def test_the_strongest_activations_are_projected_separately():
    model, x = Small(), images(2)
    variables = variables_of(model)
    three = deconvnet(model, variables, x, "conv2", 1, strongest=3)
    assert three.pixels.shape == (2, 3, *IMAGE) and three.positions.shape == (2, 3, 2)
    maps = np.asarray(maps_of(model, variables, x, "conv2"))[..., 1].reshape(2, -1)
    np.testing.assert_allclose(three.values, np.sort(maps, axis=1)[:, :-4:-1], rtol=1e-6)
    for i in range(3):
        one = deconvnet(model, variables, x, "conv2", 1, position=three.positions[:, i])
        np.testing.assert_allclose(one.pixels, three.pixels[:, i], atol=1e-6)
        np.testing.assert_array_equal(one.positions, three.positions[:, i])


def test_pairs_are_projected_equally_in_batches_and_alone():
    model, x = Small(), images(5)
    variables, units = variables_of(model), np.array([0, 3, 3, 1, 6])
    all_pairs = deconvnet(model, variables, x, "conv3", units)
    parted = deconvnet(model, variables, x, "conv3", units, batch_size=2)
    np.testing.assert_allclose(all_pairs.pixels, parted.pixels, atol=1e-6)
    np.testing.assert_array_equal(all_pairs.units, units)
    one_image = deconvnet(model, variables, x[:1], "conv3", units)
    assert one_image.pixels.shape == (5, *IMAGE)
    np.testing.assert_allclose(one_image.pixels[0], all_pairs.pixels[0], atol=1e-6)


def test_another_unit_or_image_is_not_compiled_again(caplog):
    model, variables = Small(), variables_of(Small())
    deconvnet(model, variables, images(2), "conv2", 0)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        deconvnet(Small(), variables, images(2, seed=1), "conv2", 5)
    assert "Compiling" not in caplog.text


# What is wrong, and the parts that the message names.
ERRORS = {
    "a layer like others": ({"layer": "conv4"}, ("Small", "'conv4'", "did you mean conv")),
    "a layer like no other": ({"layer": "zz"}, ("Small", "'zz'", "conv1/conv", "fc")),
    "a unit beyond the last": ({"unit": [0, 8]}, ("conv2", "unit 8", "0 to 7")),
    "a unit below 0": ({"unit": -1}, ("conv2", "unit -1", "0 to 7")),
    "a unit that is no int": ({"unit": 1.5}, ("unit", "1.5")),
    "a layer without maps": ({"layer": "fc"}, ("fc of Small", "5 values", "conv3")),
    "more units than images": ({"unit": [0, 1, 2]}, ("3 units", "2 images")),
    "a single image": ({"images": images(1)[0]}, ("(19, 22, 3)", "[batch, height, width, channel]")),
    "integers": ({"images": np.zeros((1, *IMAGE), np.uint8)}, ("uint8", "float")),
    "no array": ({"images": images(1).tolist()}, ("list", "float")),
    "other channels": ({"images": images(1)[..., :1]}, ("Small", "(1, 19, 22, 1)")),
    "small images": ({"images": images(1, shape=(8, 8, 3))}, ("8x8", "Small")),
    "a position beyond the map": ({"position": (9, 0)}, ("position", "(9, 0)", "conv2", "9 rows", "10 columns")),
    "a position that is no pair": ({"position": 3}, ("position", "3", "(row, column)")),
    "more than there are": ({"strongest": 91}, ("strongest", "91", "90", "conv2")),
    "no batch": ({"batch_size": 0}, ("batch_size", "0")),
    "an unknown rule": ({"rule": "backprop"}, ("'backprop'", "deconvnet, guided, gradient")),
}


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_one_clear_line(case):
    given, parts = ERRORS[case]
    with pytest.raises(zoo.ZooError) as error:
        deconvnet(Small(), variables_of(Small()), **({"images": images(2), "layer": "conv2", "unit": 0} | given))
    message = str(error.value)
    assert all(part in message for part in parts) and "\n" not in message


def test_a_signal_of_another_shape():
    with pytest.raises(zoo.ZooError, match=r"\(1, 2\).*conv2.*\(1, 9, 10, 8\)"):
        project(Small(), variables_of(Small()), images(1), "conv2", np.zeros((1, 2)))


def test_weights_that_are_not_finite():
    variables = jax.tree.map(lambda leaf: leaf * np.nan, variables_of(Small()))
    with pytest.raises(zoo.ZooError, match=r"conv2 of Small .*not finite"):
        deconvnet(Small(), variables, images(1), "conv2", 0)
