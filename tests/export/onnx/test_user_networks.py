"""Networks of users, made of what flax.linen and JAX have: ONNX Runtime computes the same."""

from collections import Counter

import jax
import numpy as np
import onnx
import onnx.reference
import onnxruntime
import pytest
from export.onnx.random_networks import RandomNetwork
from export.onnx.user_cases import activations, attention, convolutions, images, layers, structure
from export.onnx.user_cases.networks import Case, module_of, random_images, random_variables

from zoo.export.onnx.convert import onnx_model
from zoo.export.onnx.program import NoConversion

GROUPS = {
    "activations": activations,
    "attention": attention,
    "convolutions": convolutions,
    "images": images,
    "layers": layers,
    "structure": structure,
}
QUICK = {
    "attention-by_hand",
    "convolutions-raw_transposed_dilated_groups",
    "images-channel_shuffle_groups",
    "images-clip_of_pixels",
    "images-stack",
    "images-take_filled",
    "layers-layer_norm",
    "structure-outputs",
    "structure-scan",
}
CASES = [
    pytest.param(case, id=f"{group}-{name}", marks=() if f"{group}-{name}" in QUICK else pytest.mark.slow)
    for group, module in GROUPS.items()
    for name, case in module.CASES.items()
]


def named(output):
    """The results of a network by name."""
    if isinstance(output, dict):
        return output
    return {f"output_{i}": one for i, one in enumerate(output)} if isinstance(output, list | tuple) else {"out": output}


def converted(case):
    """The model of a case, checked, with its images and what JAX computes from them."""
    model, pixels = module_of(case.network), random_images(case.shape, case.dtype)
    variables = random_variables(model, pixels)

    def function(variables, pixels):
        return named(model.apply(variables, pixels))

    proto = onnx_model(function, variables, [case.shape], input_dtype=case.dtype)
    onnx.checker.check_model(proto, full_check=True)
    return proto, pixels, jax.jit(function)(variables, pixels)


def run(proto, pixels):
    """The outputs of a model by name: by ONNX Runtime, which has no bfloat16, or by the reference evaluator of ONNX."""
    if any(value.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16 for value in inferred_values(proto)):
        session = onnx.reference.ReferenceEvaluator(proto)
        return dict(zip(session.output_names, session.run(None, {"images": pixels}), strict=True))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, {"images": pixels}), strict=True))


def inferred_values(proto):
    """The values between the nodes."""
    return onnx.shape_inference.infer_shapes(proto).graph.value_info


def largest_error(want, got):
    """The largest difference, relative to the largest number. What is not finite must be the same."""
    want, got = (np.asarray(one).astype(np.float64) for one in (want, got))
    assert want.shape == got.shape
    np.testing.assert_array_equal(np.where(np.isfinite(want), 0, want), np.where(np.isfinite(got), 0, got))
    finite = np.isfinite(want)
    return np.max(np.abs(want - got), where=finite, initial=0) / np.max(np.abs(want), where=finite, initial=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_the_same_is_computed(case):
    if case.refused:
        with pytest.raises(NoConversion):
            converted(case)
        return
    proto, pixels, want = converted(case)
    got = run(proto, pixels)
    assert got.keys() == want.keys()
    for name, result in want.items():
        assert result.dtype == got[name].dtype
        assert largest_error(result, got[name]) <= case.tolerance
    counts = Counter(node.op_type for node in proto.graph.node)
    assert {op: counts[op] for op in case.ops} == case.ops


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_networks_made_at_random(seed):
    proto, pixels, want = converted(Case(RandomNetwork(seed)))
    got = run(proto, pixels)
    assert all(largest_error(result, got[name]) < 1e-4 for name, result in want.items())
