"""Every network of the registry as ONNX: the numbers, by ONNX Runtime, and the nodes."""

from collections import Counter

import jax
import numpy as np
import onnx
import onnxruntime
import pytest
from networks.fill import image
from networks.golden import filled_variables, golden_logits
from networks.originals import ORIGINALS
from quick import KINDS, computed, drawn, small_size_of

import zoo
from zoo.export import ExportOptions
from zoo.export.batch_shapes import example_shapes
from zoo.export.onnx.convert import onnx_model
from zoo.runtime.jit_once import jit_once


def exported(model, variables, shapes):
    return onnx_model(lambda variables, x: {"logits": model.apply(variables, x)}, variables, shapes)


def run(proto, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]


def error(found, expected):
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max()


def check_nodes(proto, variables):
    """No transpose but the first node; a Conv for each kernel of a convolution, and each layer over all positions."""
    onnx.checker.check_model(proto, full_check=True)
    nodes = Counter(node.op_type for node in proto.graph.node)
    transposes = [i for i, node in enumerate(proto.graph.node) if node.op_type == "Transpose"]
    assert transposes == [0]
    kernels = {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf.ndim
        for path, leaf in jax.tree.leaves_with_path(variables["params"])
    }
    convolutions = [name for name, rank in kernels.items() if rank > 2 or ("/pwconv" in name and rank == 2)]
    assert nodes["Conv"] == len(convolutions)
    modules = [name.rpartition("/")[0] for name in convolutions]
    assert {node.name for node in proto.graph.node if node.op_type == "Conv"} == set(modules)


@pytest.mark.parametrize(
    "name", computed(list(ORIGINALS), KINDS | {"mobilenet_v3_small", "convnext_atto", "shufflenet_v2_x0_5"})
)
def test_logits_equal_those_of_the_original(name):
    info, variables = zoo.model_info(name), filled_variables(name)
    shape = (info.input_size, info.input_size, info.channels)
    proto = exported(zoo.create_model(name), variables, [(1, *shape)])
    check_nodes(proto, variables)
    assert error(run(proto, image(*shape)), golden_logits(name)) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.list_models())
def test_logits_equal_flax_at_two_sizes_and_two_batches(name):
    model = zoo.create_model(name)
    channels = model.image_shape[2]
    side = small_size_of(name)
    # Those of the originals keep deep networks from amplifying rounding.
    variables = filled_variables(name) if name in ORIGINALS else drawn(model, model.image_shape)
    proto = exported(model, variables, example_shapes(ExportOptions(any_size=True), (side, side, channels)))
    check_nodes(proto, variables)
    for size in ((side, side), (side + 32, side + 13)):
        images = image(*size, channels, batch=2)
        expected = np.asarray(jit_once(model.apply)(variables, images))
        assert error(run(proto, images), expected) < 1e-4
        assert error(run(proto, images[:1]), expected[:1]) < 1e-4
