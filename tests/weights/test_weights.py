"""`Weights` as a user has them: from a file's name to names and probabilities, and what a prompt shows of them."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from PIL import Image
from quick import drawn

import zoo
from zoo.data import Preprocessing
from zoo.inference import prediction
from zoo.weights import Weights, WeightsSource

PREPROCESSING = Preprocessing(image_shape=(20, 24, 3), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
NETWORK = zoo.create_model("lenet5", num_classes=7)
SOURCE = WeightsSource(name="here/<w>.npz", sha256="0123456789abcdef", licence="mit")
WEIGHTS = Weights(
    model="lenet5",
    variables=drawn(NETWORK, PREPROCESSING.image_shape),
    preprocessing=PREPROCESSING,
    fields={"num_classes": 7},
    class_names=("a & b", *"bcdefg"),
    source=SOURCE,
)
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 20, 24, 3), np.uint8)


@pytest.fixture
def photos(tmp_path):
    for index, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    return tmp_path


def test_they_are_the_network_and_its_variables():
    model, variables = WEIGHTS
    assert model == NETWORK and type(variables) is dict
    assert variables.keys() == WEIGHTS.variables.keys()


def test_preprocess_gives_what_the_network_takes(photos):
    expected = (PIXELS / 255 - np.array(PREPROCESSING.mean)) / np.array(PREPROCESSING.std)
    for given in (photos, [photos / "0.png", photos / "1.png"], PIXELS, list(PIXELS)):
        found = WEIGHTS.preprocess(given)
        assert found.dtype == np.float32 and found.shape == (2, 20, 24, 3)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(WEIGHTS.preprocess(str(photos / "1.png")), expected[1:], atol=1e-5)
    with pytest.raises(zoo.ZooError, match="no images"):
        WEIGHTS.preprocess([])


def test_from_file_names_to_names_and_probabilities(photos):
    found = WEIGHTS.predict(photos, top=2)
    logits = np.asarray(NETWORK.apply(WEIGHTS.variables, WEIGHTS.preprocess(photos)), np.float64)
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    assert len(found) == 2 and found.names == (str(photos / "0.png"), str(photos / "1.png"))
    for classes, expected in zip(found, probabilities, strict=True):
        order = np.argsort(-expected)[:2]
        assert [one.class_name for one in classes] == [WEIGHTS.class_names[index] for index in order]
        np.testing.assert_allclose([one.probability for one in classes], expected[order], rtol=1e-4)
    assert found[1:].names == found.names[1:] and found[1:][0] == found[1]


def test_predictions_show_themselves(photos):
    found = WEIGHTS.predict([photos / "0.png"] * 30, top=1)
    ((best,), *_) = found
    assert repr(found).splitlines()[:2] == [str(photos / "0.png"), f"  {best.probability:.3f}  {best.class_name}"]
    assert repr(found).endswith("and 10 more images")
    assert found._repr_html_().count("<tr>") == 31


def test_another_call_compiles_nothing(monkeypatch):
    WEIGHTS.predict(PIXELS, top=3)
    monkeypatch.setattr(prediction, "_top_k_function", None)
    traced = []
    monkeypatch.setattr(Preprocessing, "normalized", lambda *given: traced.append(given))
    assert len(WEIGHTS.predict(PIXELS, top=3)) == 2 and not traced


def test_a_prompt_shows_a_few_lines():
    shown = repr(WEIGHTS)
    assert len(shown) < 1000 and len(shown.splitlines()) < 10
    for part in ("lenet5", "here/<w>.npz", "0123456789ab", "mit", "20x24x3", "7: a & b, b, c, ..., g"):
        assert part in shown
    parameters = zoo.count.parameters(WEIGHTS.variables["params"])
    assert f"{parameters:,}" in shown
    cropped, whole = (replace(WEIGHTS, preprocessing=replace(PREPROCESSING, crop=crop)) for crop in (0.875, 1.0))
    assert "the centre, 0.875 of the shorter side" in repr(cropped) and "the centre, bi" in repr(whole)


def test_a_notebook_shows_the_same_escaped():
    shown = WEIGHTS._repr_html_()
    assert "a &amp; b" in shown and "here/&lt;w&gt;.npz" in shown and "<w>" not in shown


def test_without_names_and_with_long_ones():
    assert "7, without names" in repr(replace(WEIGHTS, class_names=()))
    assert len(repr(replace(WEIGHTS, class_names=("x" * 900,) * 7))) < 1500
    hostile = replace(WEIGHTS, source=WeightsSource(name="a\x1b[2J\nb"))
    assert "\x1b" not in repr(hostile) and repr(hostile).count("\n") == repr(WEIGHTS).count("\n")


def test_variables_stay_a_plain_tree():
    assert {type(leaf) for leaf in jax.tree.leaves(dict(WEIGHTS.variables))} == {np.ndarray}
