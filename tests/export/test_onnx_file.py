"""ONNX files compute what the network computes, and say what they are; a file that does not is not written."""

import hashlib
import json
import os
import sys
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
import pytest
from command_line import error_of
from export.small_networks import AlwaysTraining, Net, TwoOutputs, variables_of

from zoo.__main__ import main
from zoo.errors import ZooError
from zoo.export import ExportOptions, onnx_file, onnx_runtime, to_onnx
from zoo.export.batch_shapes import example_shapes
from zoo.export.exportable import exportable
from zoo.weights import load

FILE = Path(__file__).parents[2] / "checkpoints" / "lenet5-fashion-mnist.safetensors"
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 1), np.uint8)


class Sorted(nn.Module):
    """A layer without a form in ONNX."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(4, (3, 3), name="conv")(x)
        return jnp.fft.fft(x, axis=1).real.mean(axis=(1, 2))


def served(path, images):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: images}), strict=True))


def exported(folder, model, variables=None, image_shape=None, **options):
    path = folder / "net.onnx"
    return path, to_onnx(model, variables, path, image_shape=image_shape, options=ExportOptions(**options))


@pytest.fixture(scope="module")
def weights():
    return load(FILE)


@pytest.fixture(scope="module")
def probabilities(tmp_path_factory, weights):
    return exported(tmp_path_factory.mktemp("pixels"), weights, preprocess="normalize", softmax=True)


def test_pixels_give_the_probabilities_of_predict(probabilities, weights):
    found = served(probabilities[0], PIXELS)["probabilities"]
    for row, predictions in zip(found, weights.predict(list(PIXELS), top=10), strict=True):
        for one in predictions:
            assert row[one.index] == pytest.approx(one.probability, abs=1e-5)


def test_metadata(probabilities, weights):
    path, result = probabilities
    metadata = {one.key: one.value for one in onnx.load(path).metadata_props}
    assert metadata["model"] == "lenet5" and json.loads(metadata["class_names"]) == list(weights.class_names)
    assert metadata["weights_sha256"] == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert json.loads(metadata["preprocessing"])["std"] == [0.3081] and "uint8" in metadata["images"]
    assert result.others == () and [file.name for file in path.parent.iterdir()] == [path.name]
    assert "ONNX Runtime" in str(result) and result.check.batches == ((1, 32, 32, 1), (2, 32, 32, 1))
    assert str(FILE.parent).encode() not in path.read_bytes()


def test_any_size_is_odd_and_even(tmp_path):
    model = TwoOutputs()
    variables = variables_of(model)
    path, _ = exported(tmp_path, model, variables, (8, 8, 3), any_size=True)
    for shape in ((2, 9, 11, 3), (1, 8, 30, 3)):
        images = np.random.default_rng(5).standard_normal(shape, np.float32)
        expected = model.apply(variables, images)
        found = served(path, images)
        np.testing.assert_allclose(found["logits/map"], expected["map"], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found["logits/boxes"], expected["boxes"], rtol=1e-4, atol=1e-5)


def test_a_users_network_with_its_features_in_half_precision(tmp_path):
    model = Net()
    variables = variables_of(model)
    path, result = exported(tmp_path, model, variables, (8, 8, 3), features=["norm"], dtype="float16", batch=2)
    images = np.random.default_rng(4).standard_normal((2, 8, 8, 3), np.float32)
    outputs = model.apply(variables, images, train=False, capture_intermediates=True)[1]["intermediates"]
    expected = np.asarray(outputs["norm"]["__call__"][0])
    found = served(path, images)["norm"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.02)
    kernels = [array for array in onnx.load(path).graph.initializer if array.name.startswith("conv")]
    assert kernels and all(array.data_type == onnx.TensorProto.FLOAT16 for array in kernels if len(array.dims) == 4)
    assert 1e-5 < result.check.relative_error < 0.016


def test_arrays_of_a_large_network_are_in_a_second_file(tmp_path, weights):
    path = tmp_path / "net.onnx"
    network = exportable(weights, None, None, None, ())
    result = onnx_file.write_onnx(network, path, ExportOptions(), max_file_size=100)
    assert result.others == (tmp_path / "net.onnx.data",)
    assert {file.name for file in tmp_path.iterdir()} == {"net.onnx", "net.onnx.data"}
    assert path.stat().st_size < 20_000 < result.others[0].stat().st_size
    images = np.random.default_rng(4).standard_normal((2, 32, 32, 1), np.float32)
    expected = weights.network().apply(weights.variables, images)
    np.testing.assert_allclose(served(path, images)["logits"], expected, rtol=1e-4, atol=1e-5)


def test_without_onnx_runtime_the_reference_evaluator_checks(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_runtime, "has_runtime", lambda: False)
    _, result = exported(tmp_path, Net(), variables_of(Net()), (8, 8, 3))
    assert "reference evaluator" in result.check.runtime
    monkeypatch.setattr(onnx_runtime, "MAX_REFERENCE_MACS", 1000)
    with pytest.raises(ZooError, match="pip install onnxruntime"):
        exported(tmp_path, Net(), variables_of(Net()), (8, 8, 3))


def test_float64_variables_are_float32_as_under_jax(tmp_path):
    wide = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), variables_of(Net()))
    path, _ = exported(tmp_path, Net(), wide, (8, 8, 3))
    kernels = [array for array in onnx.load(path).graph.initializer if array.name.endswith("kernel")]
    assert kernels and all(array.data_type == onnx.TensorProto.FLOAT for array in kernels)


def test_bfloat16_is_how_kernels_are_stored(tmp_path):
    model, variables = Net(), variables_of(Net())
    path, _ = exported(tmp_path, model, variables, (8, 8, 3), dtype="bfloat16")
    proto = onnx.load(path)
    stored = {array.name: array.data_type for array in proto.graph.initializer}
    assert stored["conv/kernel"] == onnx.TensorProto.BFLOAT16
    # So it runs where bfloat16 has no convolutions.
    casts = [node for node in proto.graph.node if node.op_type == "Cast"]
    assert casts and all(node.attribute[0].i == onnx.TensorProto.FLOAT for node in casts)


def test_features_need_nothing_of_the_layers_behind_them(tmp_path):
    model = Sorted()
    path, _ = exported(tmp_path, model, variables_of(model), (8, 8, 3), features=["conv"])
    assert [node.op_type for node in onnx.load(path).graph.node] == ["Transpose", "Conv", "Transpose"]


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (AlwaysTraining(), {}, ("training",)),
        (Sorted(), {}, ("fft",)),
        (Net(), {"features": ["convx"]}, ("convx", "did you mean conv")),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(tmp_path, model, options, words):
    with pytest.raises(ZooError) as error:
        exported(tmp_path, model, variables_of(model), (8, 8, 3), **options)
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_file_that_computes_something_else_is_not_put_in_place(tmp_path, monkeypatch):
    wrong = lambda variables, options: jax.tree.map(lambda leaf: leaf * 1.001, variables)  # noqa: E731
    monkeypatch.setattr(onnx_file, "stored_variables", wrong)
    with pytest.raises(ZooError, match="is not the network"):
        exported(tmp_path, Net(), variables_of(Net()), (8, 8, 3))
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_opened_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "_save", lambda model, path, size: path.write_bytes(b"no model") and [])
    with pytest.raises(ZooError, match="cannot be opened"):
        exported(tmp_path, Net(), variables_of(Net()), (8, 8, 3))
    assert not list(tmp_path.iterdir())


def test_a_link_gets_the_file_where_it_leads(tmp_path, weights):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.onnx"
    link.symlink_to("real/net.onnx")
    network = exportable(weights, None, None, None, ())
    result = onnx_file.write_onnx(network, link, ExportOptions(), max_file_size=100)
    assert link.is_symlink() and {file.name for file in (tmp_path / "real").iterdir()} == {"net.onnx", "net.onnx.data"}
    assert "net.onnx.data" in str(result)


@pytest.mark.parametrize("name", ["onnx", "onnxruntime"])
def test_a_broken_library_is_one_line(tmp_path, monkeypatch, name):
    broken = tmp_path / "packages" / name
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('lib.so: cannot open shared object file')")
    monkeypatch.syspath_prepend(broken.parent)
    monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ZooError, match=f"{name} is installed and cannot be imported .*lib.so"):
        exported(tmp_path, Net(), variables_of(Net()), (8, 8, 3))
    assert not (tmp_path / "net.onnx").exists()


def test_a_path_that_is_no_text_is_one_line(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    with pytest.raises(ZooError, match="UTF-8"):
        exported(folder, Net(), variables_of(Net()), (8, 8, 3))


class Named(nn.Module):
    """Its first layer has a name that the outputs of a file could not have, or that could be a path."""

    name_of_layer: str

    @nn.compact
    def __call__(self, x):
        return nn.Dense(3, name="head")(nn.Conv(2, (1, 1), name=self.name_of_layer)(x).mean((1, 2)))


def test_features_with_other_names(tmp_path):
    path, _ = exported(tmp_path, Named("a/b"), variables_of(Named("a/b")), (8, 8, 3), features=["a/b"])
    assert [output.name for output in onnx.load(path).graph.output] == ["a/b"]
    with pytest.raises(ZooError, match="images is the input"):
        exported(tmp_path, Named("images"), variables_of(Named("images")), (8, 8, 3), features=["images"])


@pytest.mark.parametrize("wrong", [{"options": {}}, {"preprocessing": "imagenet"}])
def test_wrong_arguments_are_one_line(tmp_path, wrong):
    with pytest.raises(ZooError, match=next(iter(wrong))):
        to_onnx(Net(), variables_of(Net()), tmp_path / "net.onnx", **{"image_shape": (8, 8, 3), **wrong})


def test_the_command(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path.with_name("cache")))
    path = tmp_path / "net.onnx"
    arguments = ["export", "--checkpoint", str(FILE), "--to", "onnx", "--out", str(path)]
    (tmp_path / "net.onnx.data").touch()
    assert "--force" in error_of(capsys, *arguments)
    (tmp_path / "net.onnx.data").unlink()
    assert main([*arguments, "--softmax"]) == 0
    assert "relative error" in capsys.readouterr().out
    assert served(path, np.zeros((1, 32, 32, 1), np.float32))["probabilities"].sum() == pytest.approx(1)
    path.unlink()
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert "zoo-cnn[onnx]" in error_of(capsys, *arguments)
    assert not list(tmp_path.iterdir())


class OneMore(nn.Module):
    """Images with this number of rows have a layer more than others, or others have, after all that both have."""

    rows: int
    of_these: bool

    @nn.compact
    def __call__(self, x):
        y = nn.Conv(4, (3, 3), name="conv")(x).mean(axis=(1, 2))
        last = nn.Dense(4, name="last")
        return last(last(y)) if (x.shape[1] == self.rows) == self.of_these else last(y)


@pytest.mark.parametrize(("rows", "of_these"), [(8, True), (58, False), (58, True)])
def test_a_computation_that_depends_on_the_size_is_one_line(tmp_path, rows, of_these):
    """Of the network's own size, which only the check has, and of one that is traced."""
    model = OneMore(rows, of_these)
    assert rows == 8 or rows in {shape[1] for shape in example_shapes(ExportOptions(any_size=True), (8, 8, 3))}
    with pytest.raises(ZooError, match=r"another .*image size"):
        exported(tmp_path, model, variables_of(model), (8, 8, 3), any_size=True)
    assert list(tmp_path.iterdir()) == []
