"""The counts of every network against the registry, against published counts, and against the tables of papers."""

import json
import math
import subprocess
import sys
from pathlib import Path

import flax.linen as nn
import pytest
from networks.published import published_parameters, published_record
from quick import QUICK_TO_COUNT, computed, summary_of

import zoo
from zoo.count import PAPER_TABLES, compare_with_paper, summarize
from zoo.layers import Conv, Inception, NaiveInception
from zoo.models.dla import TABLE as DLA
from zoo.models.hgnet import TABLE as HGNET
from zoo.models.nfnet import TABLE as NFNET
from zoo.models.resnest import TABLE as RESNEST
from zoo.models.resnet_d import TABLE as RESNET_D
from zoo.models.variables import trace_init

TABLE_1 = json.loads(Path(__file__).with_name("googlenet_table1.json").read_text())

# Where a stride is 2, a pool without padding is joined with convolutions with padding. In PP-HGNetV2 one 2x2 window is
# beside two, one after the other; NASNet's cells join even and odd positions, as Keras's Xception does once. NFNet's
# shortcuts are those of ResNet-D.
MISALIGNED = {
    **dict.fromkeys(("inception_v2", "inception_v2_caffe", "pyramidnet110_48"), 2),
    **dict.fromkeys((*RESNET_D, *RESNEST, *NFNET), 3),
    **dict.fromkeys(DLA, 7),
    **{name: 1 for name in HGNET if name.startswith("hgnetv2")},
    **dict.fromkeys(("nasnetalarge", "nasnet_large_keras", "nasnet_mobile_keras"), 18),
    **{"pnasnet5large": 14, "xception_keras": 1},
}


def layer_macs(model: nn.Module) -> int:
    """Multiply-adds of convolutions and dense layers: the size of each kernel, once for each of its positions."""
    total = 0

    def add_layer(call, args, kwargs, context):
        nonlocal total
        output = call(*args, **kwargs)
        if context.method_name == "__call__" and context.module.has_variable("params", "kernel"):
            kernel = context.module.get_variable("params", "kernel")
            total += kernel.size * math.prod(output.shape[1:-1])
        return output

    with nn.intercept_methods(add_layer):
        trace_init(model)
    return total


# C3 of 1998 is computed as one dense convolution, of whose 96 filters of 5x5 at 10x10 positions 36 are zero.
ZERO_MACS = {"lenet5_1998": 36 * 25 * 100}


@pytest.mark.parametrize("name", computed(zoo.list_models(), QUICK_TO_COUNT))
def test_counts_are_those_of_the_registry_and_the_published(name):
    """Published: torchvision's, timm's or Keras's figures, or the arithmetic over the paper's table.

    Where no multiply-adds are published, they are counted once more, layer by layer.
    """
    summary, info = summary_of(name), zoo.model_info(name)
    assert (summary.parameters, summary.macs) == (info.parameters, info.macs)
    assert sum(row.parameters for row in summary.rows) == info.parameters
    assert sum(row.batch_stats for row in summary.rows) == summary.batch_stats
    assert not summary.uncosted and not summary.unused
    assert len(summary.misaligned) == MISALIGNED.get(name, 0)

    assert summary.parameters == published_parameters(name)
    record = published_record(name)
    if "macs" not in record:
        assert summary.macs == layer_macs(zoo.create_model(name)) + ZERO_MACS.get(name, 0)
        return
    if record.get("macs_input", info.input_size) != info.input_size:
        size = record["macs_input"]
        summary = summarize(zoo.create_model(name), (1, size, size, info.channels))
    assert summary.macs == record["macs"]


PARTS = ["conv1", "conv2", *(f"inception_{n}" for n in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")), "loss3"]
COSTED = [row for row in TABLE_1["rows"] if "exact_macs" in row]


@pytest.mark.parametrize(("part", "row"), list(zip(PARTS, COSTED, strict=True)), ids=PARTS)
def test_googlenet_row_by_row(part, row):
    rows = summary_of("googlenet").under(part)
    assert sum(r.macs for r in rows) == row["exact_macs"]
    assert sum(r.weights for r in rows) == row["exact_weights"]
    assert sum(r.parameters - r.weights for r in rows) == row["exact_biases"]
    assert rows[-1].output_shape[-1] == row["output"][-1]


def test_googlenet_totals():
    summary = summary_of("googlenet")
    assert summary.parameters == TABLE_1["totals"]["exact_params"] == 6_998_552
    assert summary.macs == TABLE_1["totals"]["exact_macs"] == 1_582_671_872
    assert sum(row.weights for row in summary.rows) == TABLE_1["totals"]["exact_weights"]


def test_googlenet_at_depth_one_is_table_1():
    """One row per line of the paper's table, in the same order and with the same output sizes."""
    rows = [
        row
        for row in summarize(zoo.create_model("googlenet"), (1, 224, 224, 3), depth=1).rows
        if row.operation != "local_response_norm"
    ]
    printed = [row["output"] for row in TABLE_1["rows"] if row["type"] != "softmax"]
    assert [
        list(r.output_shape[1:]) if len(r.output_shape) == 4 else [1, 1, r.output_shape[1]] for r in rows
    ] == printed


def test_our_copy_of_table_1_is_the_reference():
    printed, rows = TABLE_1["rows"], PAPER_TABLES["googlenet"].rows[:-1]
    assert [row.published["output"] for row in rows] == ["x".join(map(str, row["output"])) for row in printed]
    assert [row.published.get("weights") for row in rows] == [row["paper_params"] for row in printed]
    assert [row.published.get("macs") for row in rows] == [row["paper_ops"] for row in printed]
    for row, reference in zip(rows, printed, strict=True):
        structure = {name: _printed(reference[key]) for name, key in REFERENCE_KEYS.items()}
        assert row.label == f"{reference['type']} {reference['patch_stride'] or ''}".strip()
        assert row.structure == {name: text for name, text in structure.items() if text}


REFERENCE_KEYS = {"patch/stride": "patch_stride", "depth": "depth", "1x1": "n1x1", "3x3_reduce": "n3x3_reduce"}
REFERENCE_KEYS |= {"3x3": "n3x3", "5x5_reduce": "n5x5_reduce", "5x5": "n5x5", "pool_proj": "pool_proj"}


def _printed(value):
    return "" if value is None else str(value)


@pytest.mark.parametrize("name", computed([name for name in PAPER_TABLES if name in zoo.list_models()], QUICK_TO_COUNT))
def test_deviations_from_a_paper_are_explained(name):
    comparison = compare_with_paper(summary_of(name), PAPER_TABLES[name])
    for row in comparison.rows:
        if row.label == "softmax":  # Networks return logits.
            assert row.note
            continue
        assert all(c.exact is not None for c in row.comparisons), row
        deviations = [c.deviation for c in row.comparisons]
        assert None not in deviations
        assert row.note or max(map(abs, deviations)) < 0.005, row


def test_deviation_of_a_printed_figure():
    """163,328 weights print as 159K, with K = 1024; the first convolution prints 2.7K and has 9,408."""
    rows = {row.label: row for row in compare_with_paper(summary_of("googlenet"), PAPER_TABLES["googlenet"]).rows}
    found = {c.quantity: c.deviation for c in rows["inception (3a)"].comparisons}
    assert found == {"output": 0, "weights": 0, "macs": 0}
    first = {c.quantity: c.deviation for c in rows["convolution 7x7/2"].comparisons}
    assert first["weights"] == pytest.approx(2.7 * 1024 / 9408 - 1)
    assert first["macs"] == pytest.approx(34e6 / 118_013_952 - 1)


def test_a_layer_that_is_missing_differs_from_the_paper():
    bare = summarize(zoo.create_model("googlenet", num_classes=0), (1, 224, 224, 3))
    rows = {row.label: row for row in compare_with_paper(bare, PAPER_TABLES["googlenet"]).rows}
    lacking = [(c.exact, c.deviation) for c in rows["linear"].comparisons if c.quantity in ("weights", "macs")]
    assert lacking and all(exact in (0, None) and deviation is None for exact, deviation in lacking)
    assert rows["convolution 7x7/2"].comparisons[0].deviation == 0


def test_a_paper_table_needs_its_image_size():
    with pytest.raises(zoo.ZooError, match=r"224.*192"):
        compare_with_paper(summarize(zoo.create_model("googlenet"), (1, 192, 192, 3)), PAPER_TABLES["googlenet"])


def test_lenet_1998_has_the_papers_connections():
    """LeCun et al. 1998: C1 has 122,304 connections, C3 151,600, C5 48,120, with 156, 1,516 and 48,120 parameters."""
    summary = summarize(zoo.create_model("lenet5_1998"), (1, 32, 32, 1), depth=1)
    connections = {row.path: row.parameters_without_sharing for row in summary.rows if row.parameters}
    assert (connections["c1"], connections["c3"], connections["c5"]) == (122_304, 151_600, 48_120)


def test_bottleneck_on_real_modules():
    """The lesson's 1x1 convolution: 160,563,200 multiplications directly, 43,352,064 through 32 maps."""
    wide = Conv(64, 5, padding=2)
    narrow = nn.Sequential([Conv(32, 1), Conv(64, 5, padding=2)])
    assert summarize(wide, (1, 28, 28, 128)).macs == 160_563_200
    assert summarize(narrow, (1, 28, 28, 128)).macs == 43_352_064


def test_naive_against_reduced_inception_3a():
    """Figure 2 of the paper at 28x28x192: what the 1x1 reductions save. Expected values from the widths of 3a."""
    naive = summarize(NaiveInception(64, 128, 32), (1, 28, 28, 192))
    reduced = summarize(Inception(64, 96, 128, 16, 32, 32), (1, 28, 28, 192))
    assert naive.macs == 784 * 192 * (64 + 9 * 128 + 25 * 32)
    assert reduced.macs == 128_049_152
    assert (naive.rows[-1].output_shape[-1], reduced.rows[-1].output_shape[-1]) == (416, 256)
    assert (naive.parameters, reduced.parameters) == (192 * (64 + 9 * 128 + 25 * 32) + 224, 163_696)


LIMITS = """
import re, sys, time
from pathlib import Path
import zoo
total = time.process_time()
for name in sys.argv[1:]:
    info, start = zoo.model_info(name), time.process_time()
    size = (1, info.input_size, info.input_size, info.channels)
    zoo.count.summarize(zoo.create_model(name), size).to_text()
    if time.process_time() - start > 3:
        sys.exit(f"{name} took {time.process_time() - start:.1f} s")
# Not from getrusage, which includes the peak of the parent process.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
print(int(time.process_time() - total), peak)
"""


@pytest.mark.parametrize(
    "names", [["vgg19"], pytest.param(zoo.list_models(), marks=pytest.mark.slow)], ids=["vgg19", "all"]
)
def test_networks_within_time_and_memory(names):
    """Each under 3 s, all under 60 s and 700 MB: VGG19's parameters are 575 MB, and twice that if initialised.

    In CPU seconds, as tests that run at the same time slow this one down.
    """
    done = subprocess.run([sys.executable, "-c", LIMITS, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seconds, megabytes = map(int, done.stdout.split())
    assert seconds < 60
    assert megabytes < 700
