"""A flag that would do nothing is refused, and the help of each flag has its range and its default."""

import dataclasses

import pytest
from command_line import error_of

from zoo.__main__ import main
from zoo.errors import ZooError
from zoo.training import Recipe, RunOptions
from zoo.training.config.config_field import config_field, describe
from zoo.training.config.unused_settings import check_used


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["train", "--model", "lenet5", "--momentum", "0.5"], ["--momentum", "sgd", "adamw"]),
        (["train", "--model", "lenet5", "--aux-weight", "0.4"], ["--aux-weight", "--aux-heads"]),
        (["train", "--model", "lenet5", "--no-batch-norm-warmup"], ["--batch-norm-warmup", "no batch norm"]),
        (["train", "--model", "lenet5", "--batch-norm-momentum", "0.9"], ["--batch-norm-momentum", "no batch norm"]),
        (["train", "--model", "lenet5", "--stochastic-depth", "0.1"], ["--stochastic-depth", "no such field"]),
        (["train", "--model", "lenet5", "--dataset", ".", "--data-dir", "x"], ["--data-dir", "is a folder"]),
        (["evaluate", "--model", "vgg11", "--dataset", ".", "--data-dir", "x"], ["--data-dir", "is a folder"]),
        (["summary", "googlenet", "--against", "paper", "--depth", "1"], ["--depth", "--against"]),
        (["summary", "googlenet", "--against", "paper", "--xla"], ["--xla", "--against"]),
        (["summary", "googlenet", "--against", "paper", "--without-sharing"], ["--without-sharing", "--against"]),
        (
            ["convert", "a.pth", "b.safetensors", "--model", "vgg11", "--to", "timm", "--class-names", "a"],
            ["--class-names", "--to timm"],
        ),
        (["train", "--model", "lenet5", "--run-dir", ""], ["--run-dir", "empty"]),
        (["predict", ""], ["empty"]),
        (["evaluate", "--dataset", "nowhere_x", "--model", "vgg11"], ["nowhere_x"]),
        (["convert", "a.pth", "none/b.safetensors", "--model", "vgg11"], ["none"]),
    ],
)
def test_a_flag_without_effect_and_a_path_that_cannot_be_are_refused(capsys, tmp_path, arguments, parts):
    error = error_of(capsys, *arguments)
    assert all(part in error for part in parts)
    assert not list(tmp_path.iterdir())


def test_flags_that_methods_do_not_use(capsys, short_run, tmp_path):
    run = ["visualize", "--checkpoint", str(short_run.folder), "--out", "out"]
    for method, flags in {
        "filters": ["--images", str(short_run.data / "lower left")],
        "maximize": ["--dataset", "digits"],
        "grad_cam": ["--steps", "3"],
        "saliency": ["--seed", "1"],
        "occlusion": ["--batch-size", "8"],
    }.items():
        error = error_of(capsys, *run, "--method", method, *flags)
        assert flags[0] in error and method in error
    assert "--from" in error_of(
        capsys, "convert", str(short_run.folder), "x.safetensors", "--model", "lenet5", "--from", "timm"
    )


def test_settings_that_have_an_effect():
    check_used(Recipe(optimizer="sgd"), ["momentum", "nesterov", "weight_decay"])
    check_used(Recipe(optimizer="rmsprop"), ["momentum", "rms_epsilon"])
    check_used(Recipe(loss="bce"), ["loss", "bce_threshold", "layer_decay"])
    check_used(Recipe(aux_heads=True), ["aux_weight"])
    check_used(Recipe(freeze="stem"), ["backbone_rate", "batch_norm_warmup"])


@pytest.mark.parametrize(
    ("settings", "name", "part"),
    [
        ({"optimizer": "rmsprop"}, "nesterov", "it is that of sgd, and the optimizer is rmsprop"),
        ({"optimizer": "lamb"}, "momentum", "it is that of sgd and rmsprop"),
        ({"optimizer": "sgd"}, "rms_epsilon", "it is that of rmsprop"),
        ({}, "bce_threshold", "--loss bce"),
        ({}, "ema_every", "--ema"),
        ({"weight_decay": 0.0}, "decay_norms", "weight_decay is 0"),
        ({"freeze": "backbone"}, "layer_decay", "the backbone is frozen"),
    ],
)
def test_settings_without_an_effect(settings, name, part):
    with pytest.raises(ZooError, match=part):
        check_used(Recipe(**settings), [name])


@pytest.mark.parametrize("config", [Recipe, RunOptions])
def test_the_help_of_every_field_has_its_default_and_the_range_of_a_number(config):
    for field in dataclasses.fields(config):
        text = describe(field)
        assert field.metadata["help"] in text and "default: " in text
        if field.type in (int, float):
            assert f"default: {field.default}" in text and ("at least" in text or " to " in text)


def test_the_range_in_words():
    @dataclasses.dataclass
    class Config:
        share: float = config_field(0.5, "a share", maximum=1)
        decay: float = config_field(0.0, "a decay", below=1)
        count: int = config_field(3, "a count", minimum=1)
        on: bool = config_field(True, "a switch")

    texts = [describe(field) for field in dataclasses.fields(Config)]
    assert texts == [
        "a share (0 to 1; default: 0.5)",
        "a decay (0 to less than 1; default: 0.0)",
        "a count (1 to 2147483647; default: 3)",
        "a switch (default: on)",
    ]


def test_every_command_says_what_its_flags_do(capsys):
    for command in (
        "list",
        "summary",
        "weights",
        "convert",
        "predict",
        "evaluate",
        "data",
        "recipes",
        "train",
        "visualize",
        "report",
    ):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        assert "%" not in capsys.readouterr().out.replace("94 %", "")
