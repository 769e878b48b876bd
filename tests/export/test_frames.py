"""Frames of any size are scaled and cropped inside of the file as `Preprocessing` does it with PIL."""

from functools import partial
from pathlib import Path

import jax
import numpy as np
import onnx
import onnxruntime
import pytest
from jax import export
from onnx import helper

from zoo.data import Preprocessing
from zoo.export import ExportOptions, to_onnx, to_stablehlo
from zoo.export.frames import fit_frames, frame_sizes
from zoo.export.onnx_frames import with_frames
from zoo.weights import load

FILE = Path(__file__).parents[2] / "checkpoints" / "lenet5-fashion-mnist.safetensors"
PREPROCESSING = {
    "crop": ((48, 48, 3), {"crop": 0.875}),
    "cubic": ((40, 40, 3), {"interpolation": "bicubic"}),
    "not square": ((32, 48, 3), {"crop": 0.9}),
    "squashed": ((48, 32, 3), {"fit": "squash", "crop": 0.9}),
    "padded": ((32, 32, 1), {"fit": "pad"}),
}
# Smaller, larger, wide, and very wide.
SIZES = ((17, 20), (120, 90), (61, 300), (33, 1000))


def preprocessing_of(name):
    shape, fields = PREPROCESSING[name]
    return Preprocessing(image_shape=shape, mean=(0.5,) * shape[2], std=(0.5,) * shape[2], **fields)


def noise(size, channels):
    return np.random.default_rng(sum(size)).integers(0, 256, (2, *size, channels), np.uint8)


def assert_as_pil(found, frames, preprocessing):
    expected = np.stack([preprocessing.fitted(frame) for frame in frames]).astype(int)
    assert found.dtype == np.uint8 and found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 2 and (difference > 0).mean() < 0.1


@pytest.mark.parametrize("name", PREPROCESSING)
def test_in_jax(name):
    preprocessing = preprocessing_of(name)
    fit = jax.jit(partial(fit_frames, preprocessing=preprocessing))
    for size in SIZES[::2] if name != "crop" else SIZES:
        frames = noise(size, preprocessing.image_shape[2])
        assert_as_pil(np.asarray(fit(frames)), frames, preprocessing)


@pytest.mark.parametrize("name", PREPROCESSING)
def test_in_onnx(name):
    preprocessing = preprocessing_of(name)
    shape = ["batch", *preprocessing.image_shape]
    inputs, outputs = ([helper.make_tensor_value_info(one, onnx.TensorProto.UINT8, shape)] for one in ("images", "out"))
    graph = helper.make_graph([helper.make_node("Identity", ["images"], ["out"])], "network", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    model = with_frames(model, preprocessing)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for size in SIZES:
        frames = noise(size, preprocessing.image_shape[2])
        assert_as_pil(session.run(None, {"images": frames})[0], frames, preprocessing)
    # Of those of the check no sum is rounded: programs may not differ.
    for size in frame_sizes(preprocessing):
        frames = noise(size, preprocessing.image_shape[2])
        found = session.run(None, {"images": frames})[0]
        assert_as_pil(found, frames, preprocessing)
        assert (found == jax.jit(partial(fit_frames, preprocessing=preprocessing))(frames)).all()


@pytest.mark.slow
def test_files_take_frames(tmp_path):
    weights, options = load(FILE), ExportOptions(preprocess="full")
    frames = noise((75, 50), 1)
    pixels = np.stack([weights.preprocessing.fitted(frame) for frame in frames])
    expected = np.asarray(weights.network().apply(weights.variables, weights.preprocessing.normalized(pixels)))
    to_stablehlo(weights, path=tmp_path / "net.stablehlo", options=options)
    served = export.deserialize(bytearray((tmp_path / "net.stablehlo").read_bytes())).call(frames)["logits"]
    result = to_onnx(weights, path=tmp_path / "net.onnx", options=options)
    (run,) = onnxruntime.InferenceSession(result.path).run(["logits"], {"images": frames})
    for found in (np.asarray(served), run):
        np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())
    assert result.check.relative_error < 1e-5
