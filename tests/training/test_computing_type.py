"""Which type `--dtype auto` is on which platform, what a run says about it, and that a resumed run keeps its own."""

import dataclasses
import types

import pytest
from short_runs import CONFIG, DATASET, Printed, with_recipe
from tiny import INFO

from zoo import registry
from zoo.__main__ import main
from zoo.training import Recipe, RunFolder, first_lines
from zoo.training.computing_type import Platform, auto_type, describe_type, resolve_type, this_platform
from zoo.training.first_lines import print_type
from zoo.training.initial_state import build_network
from zoo.training.resolve_config import resolve_config
from zoo.training.resume_config import ResumeRequest, resume_config
from zoo.training.run_request import RunRequest

CPU, TPU, H200 = Platform("cpu"), Platform("tpu", has_peak=True), Platform("gpu", 9.0, has_peak=True)
V100, MI300X, OLD_AMD = Platform("gpu", 7.0), Platform("gpu", has_peak=True), Platform("gpu")


@pytest.mark.parametrize(
    ("platform", "dtype"),
    [
        (CPU, "float32"),
        (TPU, "bfloat16"),
        (H200, "bfloat16"),
        # A slice of an H200 has no known peak.
        (Platform("gpu", 9.0), "bfloat16"),
        (V100, "float32"),
        (MI300X, "bfloat16"),
        (OLD_AMD, "float32"),
        (Platform("METAL"), "float32"),
    ],
)
def test_auto_is_bfloat16_where_matrix_units_have_it(platform, dtype):
    assert auto_type(platform, own_network=True) == dtype
    assert auto_type(platform, own_network=False) == "float32"


def test_what_is_asked_for_is_not_decided(monkeypatch):
    monkeypatch.setattr("zoo.training.computing_type.this_platform", lambda: H200)
    assert [resolve_type(asked, own_network=True) for asked in ("auto", "float32", "bfloat16")] == [
        "bfloat16",
        "float32",
        "bfloat16",
    ]


def test_this_machine_is_a_cpu_and_a_run_here_is_of_float32():
    assert this_platform() == CPU
    assert resolve_config("lenet5", DATASET, {}).recipe.dtype == "float32"
    assert describe_type("float32", CPU, resumed=False, auto=True, own_network=True) == []


@pytest.mark.parametrize(
    ("platform", "products"),
    [
        (H200, "TensorFloat-32"),
        (TPU, "products in bfloat16"),
        (Platform("gpu", 9.0, precision="highest"), "products in highest"),
    ],
)
def test_a_run_in_float32_says_in_what_jax_multiplies(platform, products):
    (line,) = describe_type("float32", platform, resumed=False, auto=False, own_network=True)
    assert products in line and "--dtype bfloat16" in line


def test_a_new_run_on_a_gpu_is_of_bfloat16_and_says_so(tiny, tmp_path, monkeypatch):
    for module in ("zoo.training.computing_type", "zoo.training.first_lines"):
        monkeypatch.setattr(f"{module}.this_platform", lambda: H200)
    config = resolve_config("lenet5", DATASET, {})
    assert config.recipe.dtype == "bfloat16" and build_network(config).dtype == "bfloat16"
    printed = Printed()
    print_type(RunRequest(model="lenet5", dataset=DATASET, folder=RunFolder(tmp_path)), config, printed.console)
    assert "computation in bfloat16" in printed.lines[0] and "--dtype float32" in printed.lines[0]
    # A network of one's own may not be made for it.
    mine = dataclasses.replace(INFO, name="mine", source="tiny:Tiny")
    monkeypatch.setitem(registry._REGISTRY, "mine", mine)
    assert resolve_config("mine", DATASET, {}).recipe.dtype == "float32"


@pytest.mark.parametrize(("began", "platform"), [("float32", H200), ("bfloat16", CPU)])
def test_a_resumed_run_keeps_its_type_on_another_platform_and_says_so(tiny, tmp_path, monkeypatch, began, platform):
    stored = with_recipe(dtype=began)
    for asked in ({}, {"dtype": "auto"}):
        request = ResumeRequest(model="tiny", overrides=asked)
        assert resume_config(stored, tmp_path, DATASET, request, step=4).recipe.dtype == began
    monkeypatch.setattr(first_lines, "this_platform", lambda: platform)
    printed, folder = Printed(), RunFolder(tmp_path)
    print_type(RunRequest(model="tiny", dataset=DATASET, folder=folder, resume=True), stored, printed.console)
    assert f"computation in {began}, the type of this run" in printed.lines[0]


def test_a_recipe_by_its_name_does_not_undo_what_was_decided(tiny, tmp_path):
    named = ResumeRequest(model="tiny", overrides={}, recipe_name="default")
    stored = with_recipe(**{**vars(Recipe()), "feed": "streamed", "batch_size": 16, "dtype": "float32"})
    assert resume_config(stored, tmp_path, DATASET, named, step=4).recipe.dtype == "float32"


def test_the_devices_of_a_run_are_counted():
    gpu, cpu = types.SimpleNamespace(device_kind="NVIDIA H200"), types.SimpleNamespace(device_kind="cpu")
    assert first_lines.describe_devices([gpu] * 8, 2) == "8 x NVIDIA H200 of 2 processes"
    assert first_lines.describe_devices([gpu, cpu], 1) == "1 x NVIDIA H200, 1 x cpu"


def test_the_flag_has_three_values(capsys):
    assert main(["train", "--model", "lenet5", "--dtype", "float16"]) == 2
    assert "auto" in capsys.readouterr().err and CONFIG.recipe.computing_type == "float32"
