"""What cannot be parsed: one line with what was wrong and what was meant, in every command, and the way to --help."""

import pytest
from command_line import error_of

from zoo.__main__ import main
from zoo.commands.command_line import COMMANDS


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["COMMAND", "zoo --help"]),
        (["trian"], ["'trian'", "train", "zoo --help"]),
        (["--verson"], ["--verson", "--version"]),
        (["models"], ["'models'", "did you mean list?"]),
        (["Eval"], ["'Eval'", "did you mean evaluate?"]),
        (["help"], ["'help'", "did you mean --help?"]),
        (["cache", "rm"], ["'rm'", "did you mean clear?"]),
        (["train", "-epochs", "3"], ["no -epochs;", "did you mean --epochs"]),
        (["train", "-epoch=3"], ["-epoch=3", "did you mean --epochs"]),
        (["train"], ["--model", "zoo train --help"]),
        # The unknown flag, not the one that seems to be missing.
        (["train", "--modle", "lenet5"], ["--modle", "did you mean --model"]),
        (["train", "--model", "lenet5", "--lr", "0.1"], ["--lr", "--learning-rate"]),
        (["train", "--model", "lenet5", "--learning_rate=0.1"], ["--learning_rate", "--learning-rate"]),
        (["train", "--model", "lenet5", "--optimizer", "adam"], ["--optimizer", "'adam'", "did you mean adamw"]),
        (["train", "--model", "lenet5", "--epochs", "ten"], ["--epochs", "ten", "whole number"]),
        (["train", "--model", "lenet5", "--momentum", "0,9"], ["--momentum", "0,9", "number"]),
        (["train", "--model", "lenet5", "--flip=yes"], ["--flip", "'yes'", "no value"]),
        (["train", "--model"], ["--model"]),
        (["train", "--model="], ["--model: the value is empty"]),
        (["train", "--model", "lenet5", "--save-every", ""], ["--save-every: the value is empty"]),
        (["train", "--model", "lenet5", "--pretrained", ""], ["--pretrained: the value is empty"]),
        (["report", "lenet5", "--out", "x.html", "--comp", ""], ["--comp: the value is empty"]),
        (["visualize", "--weights", ""], ["--weights: the value is empty"]),
        (["convert", "a", "b", "--from=", "--model", "lenet5"], ["--from: the value is empty"]),
        (["list", "a*", "b*"], ["b*", "zoo list --help"]),
        (["train", "lenet5"], ["unexpected argument lenet5", "did you mean --model lenet5?"]),
        (["report", "resnet50", "--model", "lenet5", "--out", "x.html"], ["--model", "not allowed with", "MODEL"]),
        (["summary", "lenet5", "--checkpoint", "x"], ["no --checkpoint (see"]),
        (["summary", "--model"], ["--model", "one argument", "zoo summary --help"]),
        (["visualize", "--out", "x", "--method", "gradcam"], ["'gradcam'", "did you mean grad_cam"]),
        (["convert", "a.pth", "b.safetensors", "--model", "vgg11", "--to", "keras2"], ["--to", "'keras2'", "keras"]),
    ],
)
def test_what_was_wrong_and_what_was_meant(capsys, arguments, parts):
    error = error_of(capsys, *arguments)
    assert error.startswith("zoo: ") and "usage:" not in error and "--help" in error
    assert all(part in error for part in parts)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_an_unknown_flag(capsys, command):
    error = error_of(capsys, command, "--no-such-flag")
    assert "--no-such-flag" in error and f"zoo {command} --help" in error


@pytest.mark.parametrize(("flag", "command"), [("model", "summary"), ("model", "weights"), ("dataset", "data")])
def test_an_argument_by_its_place_or_by_the_flag_of_other_commands(capsys, flag, command):
    assert f"--{flag} is required" in error_of(capsys, command)
    by_place = error_of(capsys, command, "no_such_name/")
    assert error_of(capsys, command, f"--{flag}", "no_such_name/") == by_place and "no_such_name/" in by_place


@pytest.mark.parametrize("arguments", [["--model", "lenet5", "--depth", "1"], ["--depth", "1", "--model=lenet5"]])
def test_the_flag_at_any_place(capsys, arguments):
    # --model is the start of --model-arg, which argparse took it for.
    assert main(["summary", *arguments]) == 0
    assert "61,706" in capsys.readouterr().out


def test_the_way_to_help_is_that_of_the_program(capsys):
    assert main(["train", "--epochs", "ten"], "python train.py") == 2
    assert "python train.py --help" in capsys.readouterr().err
    assert main(["train", "--epochs", "ten"], "python -m zoo") == 2
    assert "python -m zoo train --help" in capsys.readouterr().err


def test_the_start_of_a_flag_is_enough(capsys):
    assert "lenet5" in error_of(capsys, "summary", "lenet5", "--aga", "paper")
