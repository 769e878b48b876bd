"""The network that computes in the page, in a real browser: its numbers are Flax's, and it follows the reader."""

import json

import numpy as np
import pytest

import zoo
from zoo.lesson import lesson
from zoo.lesson.live_data import FILE, variables_of
from zoo.report.layers.counted_network import count_network
from zoo.report.live.live_network import live_network
from zoo.visualize.colour_tables import NON_NEGATIVE, SIGNED, colour_table

# Of one value of each operation: [kind, what its terms give, the value].
EXPLAINED = """(network, weights, input, outputs) => network.operations.map((operation, index) => {
  const [height, width, depth] = operation.shape, at = [Math.floor(height / 2), Math.floor(width / 3), depth - 1];
  const { terms, bias } = explainValue(network, weights, input, outputs, index, ...at);
  const values = terms.map((one) => one.value), sum = values.reduce((all, one) => all + one, 0);
  const products = terms.reduce((all, one) => all + one.value * one.weight, bias);
  const mean = sum / values.length, results = { max_pool: Math.max(...values), avg_pool: mean, global_avg_pool: mean };
  const result = operation.kernel ? products : results[operation.kind] ?? values[0];
  const shown = operation.kind === "relu" ? Math.max(0, result) : result;
  return [operation.kind, shown, outputs[index][(at[0] * width + at[1]) * depth + at[2]]];
})"""


@pytest.fixture(scope="module")
def arrays():
    with np.load(FILE) as stored:
        return dict(stored)


def answer_text(page):
    return page.locator("[data-part=answer]").inner_text()


def wait_for_answer(page, condition):
    """Until the answer, `text` in the condition, is as it says: the page computes once per frame."""
    page.wait_for_function(
        f"() => {{ const text = document.querySelector('[data-part=answer]').innerText; return {condition}; }}"
    )


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
    script = f"""([network, pixels]) => {{
      const weights = decodeWeights(network.weights), input = Float32Array.from(pixels);
      const outputs = forward(network, weights, input);
      return {{ logits: [...outputs.at(-1)], explained: ({EXPLAINED})(network, weights, input, outputs) }};
    }}"""
    found = page.evaluate(script, [network, images.ravel().tolist()])
    expected = np.asarray(model.apply(params, images))[0]
    assert np.abs(np.array(found["logits"]) - expected).max() < 1e-4 * np.abs(expected).max()
    assert all(explained == pytest.approx(value, abs=1e-3) for _, explained, value in found["explained"])


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
    wait_for_answer(page, "text.startsWith('The network says 1')")
    assert answer_text(page) != before


@pytest.fixture
def phone(opened):
    """The page on a small screen with touch, and its protocol, through which fingers move."""
    page = opened(lesson(), width=375, reduced_motion="reduce", has_touch=True, is_mobile=True)
    return page, page.context.new_cdp_session(page)


def swipe(phone, element, start, end, steps=8):
    """A finger moves over an element, between two places [x, y] from 0 to 1; yields after each step."""
    page, protocol = phone
    frame = element.bounding_box()
    places = [[a + (b - a) * i / steps for a, b in zip(start, end, strict=True)] for i in range(steps + 1)]
    for i, (x, y) in enumerate(places):
        point = {"x": frame["x"] + x * frame["width"], "y": frame["y"] + y * frame["height"]}
        kind = "touchStart" if i == 0 else "touchMove"
        protocol.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        yield page.locator("[data-part=bars]").inner_text()
    protocol.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(100)


def test_a_stroke_by_touch_changes_the_answer_as_it_is_drawn_and_does_not_scroll(phone):
    page, _ = phone
    page.locator("[data-part=clear]").click()
    pad = page.locator("canvas.pad")
    pad.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    answers = list(swipe(phone, pad, [0.5, 0.9], [0.5, 0.1]))
    assert page.evaluate("scrollY") == before
    assert len(set(answers)) > 4
    wait_for_answer(page, "text.startsWith('The network says 1')")
    drawn = page.evaluate("window.live.pad().ink.filter((one) => one > 0.5).length")
    assert drawn > 30
    # A second stroke begins where the finger is, without a line from the first.
    list(swipe(phone, pad, [0.1, 0.1], [0.1, 0.2], steps=2))
    assert page.evaluate("window.live.pad().ink[14 * 28 + 9]") == 0


def test_a_finger_beside_the_drawing_scrolls(phone):
    page, _ = phone
    heading = page.locator("#draw h2")
    heading.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    list(swipe(phone, page.locator("#draw > p").first, [0.5, 0.9], [0.5, -0.5]))
    page.wait_for_function("(before) => scrollY > before", arg=before)


def test_a_finger_moves_what_is_hidden(phone):
    page, _ = phone
    page.locator("[data-part=occlude]").check()
    field = page.locator("[data-part=field]")
    field.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    answers = list(swipe(phone, field, [0.2, 0.2], [0.7, 0.8]))
    assert page.evaluate("scrollY") == before
    assert len(set(answers)) > 3


def test_a_stroke_by_keyboard_changes_the_answer(page):
    page.locator("[data-part=clear]").click()
    before = answer_text(page)
    page.locator("canvas.pad").focus()
    page.keyboard.press("Space")
    for _ in range(8):
        page.keyboard.press("Shift+ArrowDown")
    wait_for_answer(page, f"text !== {json.dumps(before)}")


def test_every_test_image_is_known(page):
    for digit in range(10):
        page.get_by_role("button", name=f"test image: {digit}").click()
        wait_for_answer(page, f"text.startsWith('The network says {digit}')")


def test_a_value_shows_its_window_and_can_be_switched_off(page):
    inspector = page.locator("[data-part=inspector]")
    assert "25 products" in inspector.inner_text()
    maps = page.locator("canvas.maps")
    maps.nth(2).click(position={"x": 20, "y": 20})
    assert "150 products" in inspector.inner_text()
    before = answer_text(page)
    inspector.get_by_label("the whole layer off").check()
    wait_for_answer(page, "text.includes('switched off')")
    page.locator("[data-part=restore]").click()
    wait_for_answer(page, f"text === {json.dumps(before)}")


def test_the_explained_terms_give_the_value(page):
    script = f"() => {{ const {{ state }} = live; return ({EXPLAINED})(state.data.network, state.weights[state.step], "
    for kind, explained, value in page.evaluate(script + "state.input, state.outputs); }"):
        assert explained == pytest.approx(value, abs=1e-4), kind


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


def field_on_drawing(page):
    """Of the frame on the drawing, from 0 to 1: its left and top edge, width and height."""
    return page.evaluate("""() => {
      const box = document.querySelector(".field-box").getBoundingClientRect();
      const pad = document.querySelector("canvas.pad").getBoundingClientRect();
      return [box.left - pad.left, box.top - pad.top, box.width, box.height].map((one) => one / pad.width);
    }""")


def test_the_receptive_field_is_on_the_drawing(page):
    page.locator("canvas.maps").first.focus()
    page.keyboard.press("ArrowRight")
    row, column = page.evaluate("window.live.state.chosen.at")[:2]
    # The pad shows the test image that the network gets as 32x32 pixels; c1 sees 5x5 of them.
    assert field_on_drawing(page) == pytest.approx([column / 32, row / 32, 5 / 32, 5 / 32], abs=0.01)
    # A drawing is scaled from its own box: a value that sees the whole input sees that.
    draw_one(page)
    page.locator("canvas.maps").last.focus()
    page.keyboard.press("ArrowRight")
    left, top, _, height = field_on_drawing(page)
    assert 0.02 < top < 0.15 and 0.7 < height < 0.96 and left == pytest.approx(0.5 - height / 2, abs=0.05)


def test_colours_are_those_of_the_sheets(page):
    bytes_of = "(values) => [...new Uint8Array(coloured(values, live.colours).buffer)]"
    for name, values, indices in [
        (SIGNED, [-2, 0, 1, 2], [0, 128, 191, 255]),
        (NON_NEGATIVE, [0, 1, 2], [0, 128, 255]),
    ]:
        shown = np.array(page.evaluate(bytes_of, values)).reshape(-1, 4)
        assert shown[:, :3].tolist() == colour_table(name)[indices].tolist()
        assert (shown[:, 3] == 255).all()


def test_receptive_fields_are_count_s(page):
    summary = zoo.count.summarize(zoo.create_model("lenet5"), (1, 32, 32, 1))
    script = """() => lessonData.live.digits.network.operations.map(
      (one) => one.field && one.field.axes.map((axis) => axis && axis[1]),
    )"""
    fields = page.evaluate(script)
    for row, field in zip(summary.rows, fields, strict=True):
        if field:
            assert field == [size if size is None else float(size) for size in row.receptive_field]
