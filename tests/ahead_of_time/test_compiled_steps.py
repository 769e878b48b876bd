"""The training step for eight H200s and eight chips of TPU v5e that are not there: what its text says.

`bounds.json` has what was measured (benchmarks/ahead_of_time.py --text-only --json), 32 images per device, bfloat16,
SGD. What is more than a twentieth above is a regression. What is less is better: measure again, and lower the bound.
"""

import json
import math
import re
from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import zoo
from zoo.models import FAMILIES
from zoo.runtime.mesh import data_mesh
from zoo.training.state_split import MIN_SPLIT_BYTES, state_sharding

ROOT = Path(__file__).parents[2]
BOUNDS = json.loads(Path(__file__).with_name("bounds.json").read_text())
DEVICES = {"cuda": ("h200:1x8", "jax_plugins.xla_cuda12"), "tpu": ("v5e:2x4", "libtpu")}
IMAGES = 32
TOLERANCE = 1.05
# Whatever computes by an index, in steps, or as one of several ways.
SLOW = ("while", "conditional", "case", "gather", "scatter", "sort", "select-and-scatter", "dynamic-slice")
# The forms that a CPU has of a convolution: products, and sums of slices.
OF_A_CPU = re.compile(r"/conv/cond/branch_\d_fun/(dot_general|slice|concatenate|dynamic_slice)")
CASES = [(platform, network) for platform, networks in BOUNDS.items() for network in networks]

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


@cache
def compiled(platform, devices, **settings):
    """The step of LeNet-5, or a skip where the compiler is not installed."""
    from ahead_of_time import Step, compile_step, described_devices

    need_compiler(platform)
    return compile_step(Step(network="lenet5", per_device=IMAGES, **settings), described_devices(devices))


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def optimised(request):
    """Platform, network, the text of the step without its machine code, and the program in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        from ahead_of_time import Step
        from optimised_text import optimised_text
        from program_text import parse_program

        platform, network = request.param
        need_compiler(platform)
        text = optimised_text(Step(network=network, per_device=IMAGES), DEVICES[platform][0])
        return platform, network, text, parse_program(text)


def need_compiler(platform):
    name = DEVICES[platform][1]
    pytest.importorskip(name, reason=f"no compiler for {platform}: pip install -e .[ahead] into a venv of its own")


def test_the_step_has_only_fast_operations(optimised):
    _, _, text, program = optimised
    opcodes = program.opcodes()
    assert {name: opcodes[name] for name in SLOW if opcodes[name]} == {}
    assert not OF_A_CPU.findall(text)


def test_convolutions_are_those_of_the_platform_in_bfloat16(optimised):
    platform, network, _, program = optimised
    found = [one for one in program.operations if is_convolution(one)]
    assert {one.arrays[0][0] for one in found} == {"bf16"}
    kernels = convolution_kernels(network)
    assert len(found) >= 2 * len(kernels)
    if platform == "cuda":
        assert {re.search(r"dim_labels=([^,\s]+)", one.rest)[1] for one in found} == {"b01f_o01i->b01f"}
        targets = Counter(one.attribute("custom_call_target") for one in found)
        assert targets["__cudnn$convBackwardFilter"] + kernel_gradients_as_forward(found) == len(kernels)


def test_only_kernels_are_transposed(optimised):
    """cuDNN has the output features first; images keep their channels last, which ShuffleNet's change places.

    Whole pixels move where phases of images are put together.
    """
    platform, network, _, program = optimised
    if platform == "tpu":
        pytest.skip("orders of arrays are the compiler's own")
    sizes = set(map(math.prod, convolution_kernels(network)))
    moved = [one for one in program.operations if one.opcode == "transpose" and moves_channels(one)]
    images = [one for one in moved if is_image(one) and math.prod(one.arrays[0][1]) not in sizes]
    channels_first = 2 * kernel_gradients_as_forward(filter(is_convolution, program.operations))
    assert len([one for one in images if "channel_shuffle" not in one.rest]) <= channels_first, images


def test_kernels_bytes_and_collectives_are_no_more_than_measured(optimised):
    from ahead_of_time import figures

    platform, network, _, program = optimised
    bound, found = BOUNDS[platform][network], figures(program)
    assert found["kernels"] <= TOLERANCE * bound["kernels"]
    assert found["gigabytes"] <= TOLERANCE * bound["gigabytes"]
    assert found["collectives"].keys() <= bound["collectives"].keys()
    for kind, number in found["collectives"].items():
        assert number <= TOLERANCE * bound["collectives"][kind], kind


@pytest.mark.parametrize("platform", BOUNDS)
def test_each_family_has_a_bound(platform):
    """It fails with the smallest network of a new family: measure that one."""
    families = {family: import_module(f"zoo.models.{family}").ENTRIES for family in FAMILIES}
    missing = {
        family: min(entries, key=lambda info: info.parameters).name
        for family, entries in families.items()
        if not any(info.name in BOUNDS[platform] for info in entries)
    }
    assert missing == {}


# LeNet-5 has one kernel of each sort, and compiles in seconds.
@pytest.mark.parametrize("devices", ["h200:2x8", "h200:1x6", "h200:3x4", "h200:3x8", "h200:6x8", "h200:1x7"])
def test_fsdp_on_gpus_scatters_what_it_sums(devices):
    check_split("cuda", devices)


@pytest.mark.parametrize("devices", ["v5e:2x4x2", "v5e:1x1x6", "v5e:2x2x3", "v5e:2x4x3", "v5e:4x4x3"])
def test_fsdp_on_slices_of_tpus(devices):
    check_split("tpu", devices)


def check_split(platform, devices):
    """The step compiles, a device has as much of the state as is said, and no more is gathered than is split."""
    step, whole = compiled(platform, devices, fsdp=True), compiled(platform, devices)
    parts = parts_of_parameters(devices)
    split = [(shape, part) for shape, part in parts if part != shape]
    # Parameters and momentum.
    saved = 2 * sum(held_bytes(platform, shape) - held_bytes(platform, part) for shape, part in split)
    assert whole.arguments - step.arguments == pytest.approx(saved, rel=0.01)
    # For the forward and for the backward pass. Sums over slices of TPUs end with gathers too.
    gathered = gathered_arrays(step)
    assert len(gathered) <= 2 * len(split) + len(gathered_arrays(whole))
    if platform == "cuda":
        assert all(size >= MIN_SPLIT_BYTES // 2 for size in gathered)
        assert step.program.collective_counts().keys() <= {"all-reduce", "all-gather", "reduce-scatter"}
        assert not split or step.program.collective_counts()["reduce-scatter"]


def parts_of_parameters(devices):
    """The shape of each parameter, and that of a device's part."""
    import jax
    from ahead_of_time import described_devices

    devices = described_devices(devices)
    model = zoo.create_model("lenet5", num_classes=1000, image_shape=(32, 32, 3))
    params = jax.eval_shape(lambda key: zoo.init(model, key), jax.random.key(0))["params"]
    shardings = state_sharding(params, data_mesh(len(devices), devices, fsdp=True))
    leaves = zip(jax.tree.leaves(params), jax.tree.leaves(shardings), strict=True)
    return [(leaf.shape, sharding.shard_shape(leaf.shape)) for leaf, sharding in leaves]


def held_bytes(platform, shape):
    """Of a kernel in float32. A TPU fills its last two axes up to tiles, in the order that takes less memory."""
    if platform == "cuda":
        return 4 * math.prod(shape)
    *others, rows, columns = shape
    return 4 * math.prod(others) * min(tiled(rows, columns), tiled(columns, rows))


def tiled(rows, columns):
    """The numbers in tiles of 128 in 1, 2, 4 or 8 rows."""
    tile = next(size for size in (1, 2, 4, 8) if size >= min(rows, 8))
    return tile * math.ceil(rows / tile) * 128 * math.ceil(columns / 128)


def gathered_arrays(step):
    """The bytes of each array that is gathered."""
    return [size for one in step.program.collectives if one.kind == "all-gather" for size in one.results]


def moves_channels(transpose):
    """Whether the last axis does not stay the last one."""
    order = re.search(r"dimensions={([\d,]+)}", transpose.rest)[1].split(",")
    return int(order[-1]) != len(order) - 1


def is_image(operation):
    """Not a vector per image, and not so small that it makes no difference, as in LeNet-5."""
    return sum(size > 1 for size in operation.arrays[0][1]) > 2 and operation.bytes >= 2**16


def is_convolution(operation):
    if operation.opcode == "custom-call":
        return operation.attribute("custom_call_target").startswith("__cudnn$conv")
    # TPUs compute matrix products, here of the logits too, by the same operation.
    return operation.opcode == "convolution" and "conv_general_dilated" in operation.rest


def kernel_gradients_as_forward(convolutions):
    """The number of these forward convolutions for GPUs, whose one image are the channels of the two operands.

    XLA takes the gradient of a kernel for one where the kernel is as large as the image, as in ConvNeXt's last stage.
    A row of zeros around the image would change that, and read and write 1.6 times as much.
    """
    forward = [one for one in convolutions if one.attribute("custom_call_target") == "__cudnn$convForward"]
    return sum(one.arrays[0][1][0] == 1 for one in forward)


@cache
def convolution_kernels(network):
    """The shape of each. XLA makes matrix products of those of a vector per image, as squeeze-and-excitation's."""
    import jax

    info, model = zoo.model_info(network), zoo.create_model(network)
    rows = zoo.count.summarize(model, (1, info.input_size, info.input_size, info.channels)).rows
    of_vectors = {row.path for row in rows if row.kernel == (1, 1) and row.output_shape[1:3] == (1, 1)}
    variables = jax.eval_shape(lambda key: zoo.init(model, key), jax.random.key(0))
    leaves = jax.tree_util.tree_leaves_with_path(variables["params"])
    kernels = {"/".join(entry.key for entry in path[:-1]): leaf.shape for path, leaf in leaves if leaf.ndim == 4}
    return [shape for path, shape in kernels.items() if path not in of_vectors]
