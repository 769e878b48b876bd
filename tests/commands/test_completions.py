"""What bash offers when TAB is pressed, as bash itself finds it with the file that zoo prints."""

import argparse
import subprocess

import pytest
from command_line import error_of

from zoo.__main__ import main
from zoo.commands.arguments.completion import completion_script
from zoo.commands.arguments.types import path
from zoo.commands.command_line import COMMANDS, parser_with_all_arguments
from zoo.commands.completions import SHELLS

# What readline does: the words of the line, the last of which is completed.
PRESS_TAB = """
source "$1"; shift
COMP_WORDS=(zoo "$@"); COMP_CWORD=$#
_zoo
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The file for bash, beside which are a folder and a file."""
    folder = tmp_path_factory.mktemp("completions")
    (folder / "photos").mkdir()
    (folder / "photo.png").touch()
    file = folder / "zoo.bash"
    file.write_text(completion_script(parser_with_all_arguments(), "bash"))
    return file


@pytest.fixture
def offered(script):
    """A function from the words after `zoo` to what is offered for the last."""

    def press_tab(*words):
        command = ["bash", "--norc", "-c", PRESS_TAB, "bash", str(script), *words]
        done = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.split()

    return press_tab


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pre"], ["predict"]),
        (["predict", "--checkp"], ["--checkpoint"]),
        (["predict", "--model", "vgg11"], ["vgg11", "vgg11_bn"]),
        (["predict", "--model", "=", "vgg11"], ["vgg11", "vgg11_bn"]),
        (["train", "--optimizer", "="], ["adamw", "lamb", "muon", "rmsprop", "sgd"]),
        (["predict", "--model", "=", "alexnet", "--weights", "=", "t"], ["torchvision/IMAGENET1K_V1"]),
        (["train", "--recipe", "timm"], ["timm_a1", "timm_a2", "timm_a3"]),
        (["recipes", "squeeze"], ["squeezenet1_0", "squeezenet1_1"]),
        (["summary", "squeeze"], ["squeezenet1_0", "squeezenet1_1"]),
        (["weights", "zf"], ["zfnet"]),
        (["train", "--dataset", "fashion_m"], ["fashion_mnist"]),
        (["train", "--dataset", "digi"], ["digits"]),
        (["train", "--dataset", "phot"], ["photos"]),
        (["predict", "phot"], ["photo.png", "photos"]),
        (["train", "--run-dir", "phot"], ["photos"]),
        (
            ["predict", "photo.png", "--model", "resnet152", "--weights", "torch"],
            [f"torchvision/IMAGENET1K_V{n}" for n in "12"],
        ),
        (["train", "--model", "alexnet", "--pretrained", "t"], ["torchvision/IMAGENET1K_V1"]),
        (["predict", "--weights", "torch"], []),
        (["train", "--optimizer", "s"], ["sgd"]),
        (["cache", "clear", "weights", "pro"], ["programs"]),
        (["completions", "z"], ["zsh"]),
    ],
)
def test_what_tab_offers(offered, words, expected):
    assert sorted(offered(*words)) == sorted(expected)


def test_all_commands_and_flags_are_offered(offered):
    assert sorted(offered("")) == sorted(COMMANDS)
    assert {"--model", "--learning-rate", "--resume", "--no-flip"} <= set(offered("train", "--"))


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_a_file(capsys, shell):
    assert main(["completions", shell]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("visualize", "learning-rate", "googlenet_bn", "alexnet"))
    assert shell == "tcsh" or "timm/a1_in1k" in out


def test_every_path_is_completed():
    parser = parser_with_all_arguments()
    completion_script(parser, "bash")
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction)).choices
    left_out = [
        f"{name} {action.dest}"
        for name, command in commands.items()
        for action in command._actions
        if action.type is path and not hasattr(action, "complete")
    ]
    assert not left_out


def test_a_shell_that_is_not_known_is_one_line(capsys):
    assert "did you mean bash" in error_of(capsys, "completions", "bsh")
