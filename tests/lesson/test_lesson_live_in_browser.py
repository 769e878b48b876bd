"""The network that computes in the page, in a real browser: its numbers are Flax's, and it follows the reader."""

import numpy as np
import pytest

import zoo
from zoo.lesson.live_data import FILE, variables_of
from zoo.report.layers.counted_network import count_network
from zoo.report.live.live_network import live_network


@pytest.fixture(scope="module")
def arrays():
    with np.load(FILE) as stored:
        return dict(stored)


def answer_text(page):
    return page.locator("[data-part=answer]").inner_text()


def _logits(page, name, images):
    script = """([name, images]) => {
      const one = lessonData.live[name], weights = decodeWeights(one.weights.at(-1));
      return images.map((image) => [...forward(one.network, weights, Float32Array.from(image)).at(-1)]);
    }"""
    return np.array(page.evaluate(script, [name, images.reshape(len(images), -1).tolist()]))


@pytest.mark.parametrize("name", ["digits", "clothes"])
def test_logits_are_flax_s_on_100_images(page, arrays, name):
    images = np.random.default_rng(1).normal(size=(100, 32, 32, 1)).astype(np.float32)
    expected = zoo.create_model("lenet5").apply(variables_of(arrays, name), images)
    assert np.abs(_logits(page, name, images) - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("name, size", [("nin_cifar10", 32), ("squeezenet1_1", 40)])
def test_logits_of_other_small_networks_are_flax_s(page, name, size):
    import jax

    model = zoo.create_model(name)
    shape = (size, size, 3)
    params = jax.tree.map(
        lambda leaf: leaf.astype("float16").astype("float32"), zoo.init(model, jax.random.key(0), shape)
    )
    network = live_network(count_network(name, model, shape), params)
    images = np.random.default_rng(3).normal(size=(1, *shape)).astype(np.float32)
    script = """([network, pixels]) => {
      const weights = decodeWeights(network.weights);
      return [...forward(network, weights, Float32Array.from(pixels)).at(-1)];
    }"""
    found = np.array(page.evaluate(script, [network, images.ravel().tolist()]))
    expected = np.asarray(model.apply(params, images))[0]
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_gradients_are_jax_s(page, arrays):
    import jax
    import jax.numpy as jnp
    import optax

    image = np.random.default_rng(2).normal(size=(1, 32, 32, 1)).astype(np.float32)
    params = variables_of(arrays, "digits")["params"]

    def loss(params):
        logits = zoo.create_model("lenet5").apply({"params": params}, jnp.asarray(image))
        return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.array([4])).sum()

    expected = np.asarray(jax.grad(loss)(params)["c1"]["conv"]["kernel"])
    script = """(pixels) => {
      const { network, weights } = lessonData.live.digits, now = decodeWeights(weights.at(-1));
      const image = Float32Array.from(pixels);
      const outputs = forward(network, now, image), gradients = backward(network, now, image, outputs, 4);
      const gradient = (i, j, unit) => weightGradient(network, image, outputs, gradients, 0, [i, j, 0, unit]).sum;
      const side = [0, 1, 2, 3, 4], units = [...side, 5];
      return side.map((i) => side.map((j) => units.map((unit) => gradient(i, j, unit))));
    }"""
    found = np.array(page.evaluate(script, image.ravel().tolist()))
    assert np.abs(found - expected[:, :, 0]).max() < 1e-4 * np.abs(expected).max()


def test_a_frame_takes_less_than_50_milliseconds(page):
    script = """() => {
      const { network, weights } = lessonData.live.digits, now = decodeWeights(weights.at(-1));
      const image = new Float32Array(1024).fill(0.5);
      const times = Array.from({ length: 15 }, () => {
        const started = performance.now();
        forward(network, now, image);
        return performance.now() - started;
      });
      return times.sort((one, other) => one - other)[3];
    }"""
    assert page.evaluate(script) < 50


def draw_one(page):
    page.locator("[data-part=clear]").click()
    frame = page.locator("canvas.pad").bounding_box()
    page.mouse.move(frame["x"] + frame["width"] * 0.5, frame["y"] + frame["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] * 0.5, frame["y"] + frame["height"] * 0.9, steps=8)
    page.mouse.up()


def test_a_stroke_by_mouse_changes_the_answer(page):
    page.locator("canvas.pad").scroll_into_view_if_needed()
    before = answer_text(page)
    draw_one(page)
    assert answer_text(page).startswith("The network says 1")
    assert answer_text(page) != before


def test_a_stroke_by_touch_changes_the_answer(opened):
    from zoo.lesson import lesson

    page = opened(lesson(), width=375, reduced_motion="reduce", has_touch=True)
    page.locator("[data-part=clear]").click()
    before = answer_text(page)
    pad = page.locator("canvas.pad")
    pad.scroll_into_view_if_needed()
    frame = pad.bounding_box()
    page.touchscreen.tap(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    assert answer_text(page) != before


def test_a_stroke_by_keyboard_changes_the_answer(page):
    page.locator("[data-part=clear]").click()
    before = answer_text(page)
    page.locator("canvas.pad").focus()
    page.keyboard.press("Space")
    for _ in range(8):
        page.keyboard.press("Shift+ArrowDown")
    assert answer_text(page) != before


def test_every_test_image_is_known(page):
    for digit in range(10):
        page.get_by_role("button", name=f"test image: {digit}").click()
        assert answer_text(page).startswith(f"The network says {digit}")


def test_a_value_shows_its_window_and_can_be_switched_off(page):
    inspector = page.locator("[data-part=inspector]")
    assert "25 products" in inspector.inner_text()
    maps = page.locator("canvas.maps")
    maps.nth(2).click(position={"x": 20, "y": 20})
    assert "150 products" in inspector.inner_text()
    before = answer_text(page)
    inspector.get_by_label("the whole layer off").check()
    assert "switched off" in answer_text(page)
    page.locator("[data-part=restore]").click()
    assert answer_text(page) == before


def test_the_explained_sum_is_the_value(page):
    script = """() => {
      const { state } = window.live, { network } = state.data;
      return network.operations.flatMap((operation, index) => {
        if (!operation.kernel) return [];
        const [height, width, depth] = operation.shape;
        const at = [Math.floor(height / 2), Math.floor(width / 3), depth - 1];
        const { weights, step, input, outputs } = state;
        const made = explainValue(network, weights[step], input, outputs, index, ...at);
        const sum = made.terms.reduce((all, one) => all + one.value * one.weight, made.bias);
        return [[sum, state.outputs[index][(at[0] * width + at[1]) * depth + at[2]]]];
      });
    }"""
    for explained, value in page.evaluate(script):
        assert explained == pytest.approx(value, abs=1e-4)


def test_a_hidden_part_follows_the_keyboard(page):
    bars = page.locator("[data-part=bars]")
    seen = [bars.inner_text()]
    page.locator("[data-part=occlude]").check()
    seen.append(bars.inner_text())
    page.locator("[data-part=field]").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    seen.append(bars.inner_text())
    # Hiding changes the answer, and so does moving what is hidden.
    assert len(set(seen)) == 3


def test_the_slider_goes_through_the_training_run(page):
    slider = page.locator("[data-part=steps] input")
    assert slider.get_attribute("max") == "9"
    slider.focus()
    page.keyboard.press("Home")
    assert "before training" in page.locator("[data-part=steps] output").inner_text()
    assert "100.0 %" not in answer_text(page)


def test_receptive_fields_are_count_s(page):
    summary = zoo.count.summarize(zoo.create_model("lenet5"), (1, 32, 32, 1))
    script = """() => lessonData.live.digits.network.operations.map(
      (one) => one.field && one.field.axes.map((axis) => axis && axis[1]),
    )"""
    fields = page.evaluate(script)
    for row, field in zip(summary.rows, fields, strict=True):
        if field:
            assert field == [size if size is None else float(size) for size in row.receptive_field]
