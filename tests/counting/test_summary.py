"""The summary as a whole: depth, formats, unused parameters, and errors for bad input."""

import csv
import io
import json

import flax.linen as nn
import jax
import pytest

import zoo
from zoo.count import CountError, summarize
from zoo.kernels.pooling import max_pool


class ConvAndDense(nn.Module):
    """A convolution with batch norm, a pool, and a dense layer."""

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        x = nn.Conv(4, (3, 3), 2, name="conv")(x)
        x = nn.relu(nn.BatchNorm(use_running_average=not train, name="bn")(x))
        return nn.Dense(3, name="head")(nn.max_pool(x, (2, 2), (2, 2)).mean(axis=(1, 2)))


def test_depth_adds_up():
    model = zoo.create_model("googlenet_bn")
    full, folded, one = (summarize(model, (1, 224, 224, 3), depth=depth) for depth in (None, 1, 0))
    assert len(full.rows) > len(folded.rows) > len(one.rows) == 1
    for quantity in ("parameters", "batch_stats", "macs", "activation_bytes", "parameters_without_sharing"):
        assert len({sum(getattr(row, quantity) for row in s.rows) for s in (full, folded, one)}) == 1
    (inception,) = [row for row in folded.rows if row.path == "inception_3a"]
    assert (inception.operation, inception.parameters) == ("inception", 163_696 + 2 * 368 - 368)
    assert inception.receptive_field == full.under("inception_3a")[-1].receptive_field


def test_auxiliary_heads_are_named_as_unused():
    summary = summarize(zoo.create_model("googlenet", aux_heads=True), (1, 224, 224, 3))
    assert summary.parameters == 13_378_280
    assert [name for name, _ in summary.unused] == ["loss1", "loss2"]
    assert sum(row.parameters for row in summary.rows) == 6_998_552
    assert "not used for this output: loss1" in summary.to_text()


def test_text_states_convention_and_input():
    text = summarize(ConvAndDense(), (1, 8, 8, 3)).to_text()
    assert "input 1x8x8x3" in text
    assert "1 MAC = 1 multiply-add = 2 FLOPs" in text
    assert "parameters: 135 (and 8 batch statistics" in text
    assert "1,740 MACs = 3,480 FLOPs" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_text_fits_a_narrow_terminal(width):
    lines = summarize(zoo.create_model("lenet5"), (1, 32, 32, 1)).to_text(width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert "61,706" in "".join(lines)


def test_text_without_a_width_leaves_nothing_out():
    text = summarize(zoo.create_model("googlenet"), (1, 224, 224, 3)).to_text()
    assert "…" not in text and "left out" not in text


def test_markdown_is_a_table():
    lines = summarize(ConvAndDense(), (1, 8, 8, 3)).to_markdown(without_sharing=True).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 6
    assert len({line.count("|") for line in table}) == 1
    assert "unshared" in table[0]
    assert any(line.startswith("- parameters without sharing") for line in lines)


def test_csv_has_plain_numbers():
    summary = summarize(zoo.create_model("alexnet"), (1, 224, 224, 3))
    rows = list(csv.DictReader(io.StringIO(summary.to_csv())))
    assert sum(int(row["parameters"]) for row in rows) == 61_100_840
    assert sum(int(row["macs"]) for row in rows) == 714_188_480
    assert rows[0]["kernel"] == "11x11"
    assert rows[-1]["receptive_field"] == "allxall"
    assert rows[-1]["effective_stride"] == rows[-1]["offset"] == ""


def test_json_holds_rows_and_totals():
    content = json.loads(summarize(ConvAndDense(), (1, 8, 8, 3)).to_json())
    assert (content["parameters"], content["macs"], content["flops"]) == (135, 1740, 3480)
    assert content["rows"][0]["padding"] == [[0, 1], [0, 1]]
    assert content["rows"][-1]["receptive_field"] == [None, None]
    assert "MAC" in content["convention"]


def test_json_has_the_pools_of_the_zoo():
    class Pooled(nn.Module):
        @nn.compact
        def __call__(self, x):
            return max_pool(x, 2)

    (row,) = json.loads(summarize(Pooled(), (1, 8, 8, 3)).to_json())["rows"]
    assert row["operation"] == "max_pool"


def test_a_second_input_is_an_error():
    class Two(nn.Module):
        @nn.compact
        def __call__(self, x, y):
            return x + y

    with pytest.raises(CountError, match=r"Two.*'y'"):
        summarize(Two(), (1, 8, 8, 3))


def test_required_arguments_can_be_passed():
    class Strict(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            return nn.Dropout(0.5, deterministic=not train)(nn.Dense(2)(x))

    with pytest.raises(CountError, match="'train'"):
        summarize(Strict(), (1, 4))
    assert summarize(Strict(), (1, 4), call={"train": False}).parameters == 10


@pytest.mark.parametrize("shape", [(224, 224, 3), (1, 224), (1, 224, 224)])
def test_wrong_rank(shape):
    with pytest.raises(CountError, match="AlexNet") as error:
        summarize(zoo.create_model("alexnet"), shape)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_image_too_small_for_a_network_of_the_zoo(name):
    with pytest.raises(zoo.ZooError, match="too small"):
        summarize(zoo.create_model(name), (1, 16, 16, 3))


def test_image_too_small_for_another_network():
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.max_pool(nn.Conv(2, (5, 5), padding="VALID", name="conv")(x), (2, 2), (2, 2))

    with pytest.raises(CountError, match=r"too small for Net.*conv"):
        summarize(Net(), (1, 4, 4, 3))
