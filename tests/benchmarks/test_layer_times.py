"""The time of a trace by layer: operations by the names in the compiled program, layers by the paths of modules."""

from types import SimpleNamespace

import pytest

PROGRAM = """HloModule jit_step

%fused_computation.1 (param_0: bf16[8]) -> bf16[8] {
  %param_0 = bf16[8]{0} parameter(0)
  %neg = bf16[8]{0} negate(%param_0), metadata={op_name="jit(step)/jvp(Net)/layer1.0/bn1/neg" source_line=3}
  ROOT %mul.2 = bf16[8]{0} multiply(%neg, %neg), metadata={op_name="jit(step)/jvp(Net)/layer1.0/bn1/mul"}
}

ENTRY %main.9 (x: bf16[8]) -> bf16[8] {
  %x = bf16[8]{0} parameter(0)
  %fusion.1 = bf16[8]{0} fusion(%x), kind=kLoop, calls=%fused_computation.1
  %fusion.2 = bf16[8]{0} fusion(%x), kind=kLoop, calls=%fused_computation.1, metadata={op_name="jit(step)/add"}
  ROOT %conv.3 = (bf16[8], u8[0]) custom-call(%fusion.1), metadata={op_name="jit(step)/transpose(jvp(Net))/conv1/conv"}
}
"""
LAYERS = frozenset({"conv1", "layer1.0", "layer1.0/bn1", "layer1.0/conv1"})


def test_a_fusion_without_a_name_has_that_of_its_root():
    from gpu_parts.layer_times import instruction_names

    names = instruction_names(PROGRAM)
    assert names["fusion.1"] == "jit(step)/jvp(Net)/layer1.0/bn1/mul"
    assert names["fusion.2"] == "jit(step)/add"
    assert names["conv.3"] == "jit(step)/transpose(jvp(Net))/conv1/conv"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("jit(step)/jvp(Net)/layer1.0/bn1/mul", ("layer1.0/bn1", "forward", "mul")),
        ("jit(step)/transpose(jvp(Net))/conv1/conv", ("conv1", "backward", "conv")),
        ("jit(step)/jit(main)/jvp(jit(apply))/Net/layer1.0/conv1/jit(f)/dot", ("layer1.0/conv1", "forward", "dot")),
        ("jit(step)/jvp(Net)/Net.classify/conv1/bn._statistics/add", ("conv1", "forward", "add")),
        ("jit(step)/jvp(Net)/max_pool/max", ("max_pool", "forward", "max")),
        ("jit(step)/jvp(Net)/reduce_sum", ("", "forward", "reduce_sum")),
        ("state.params['layer1.0']['conv1']['kernel']", ("layer1.0/conv1", "update and input", "parameter")),
        (r"state.params[\'layer1.0\'][\'conv1\'][\'kernel\']", ("layer1.0/conv1", "update and input", "parameter")),
        ("jit(step)/mul;jit(step)", ("", "update and input", "mul")),
        ("jit(step)/add", ("", "update and input", "add")),
        ("", ("", "update and input", "")),
    ],
)
def test_the_place_of_an_operation(name, place):
    from gpu_parts.layer_times import place_of

    assert place_of(name, LAYERS) == place


def event(duration, **stats):
    return SimpleNamespace(duration_ns=duration, stats=list(stats.items()))


def profile(**planes):
    """Of planes with lines with events."""
    return SimpleNamespace(
        planes=[
            SimpleNamespace(
                name=name, lines=[SimpleNamespace(name=line, events=events) for line, events in lines.items()]
            )
            for name, lines in planes.items()
        ]
    )


def test_the_kernels_of_the_first_gpu_are_counted_once():
    from gpu_parts.layer_times import nanoseconds

    kernels = [
        event(5, hlo_op="fusion.1"),
        event(7, hlo_op="fusion.1"),
        event(3, hlo_op="call::cudnn-conv.3"),
        event(9),
    ]
    of_gpu = {"Stream #14(Compute)": kernels, "XLA Ops": [event(100, hlo_op="fusion.1")]}
    found = nanoseconds(
        profile(
            **{
                "/device:GPU:0": of_gpu,
                "/device:GPU:1": {"Stream #3": kernels},
                "/host:CPU": {"python": [event(50, hlo_op="fusion.1")]},
            }
        )
    )
    assert found == {"fusion.1": 12, "cudnn-conv.3": 3}


def test_without_an_accelerator_the_threads_are_counted():
    from gpu_parts.layer_times import nanoseconds

    found = nanoseconds(profile(**{"/host:CPU": {"worker": [event(4, hlo_op="dot.1"), event(2)]}}))
    assert found == {"dot.1": 4}
