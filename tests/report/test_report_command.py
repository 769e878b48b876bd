"""python -m zoo report."""

import re
import sys
from pathlib import Path

import flax.linen as nn
import pytest
from command_line import error_of

from zoo.__main__ import main
from zoo.report import report


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_it_writes_one_file_and_prints_its_name(tmp_path, capsys):
    assert main(["report", "lenet5", "--compare", "lenet5_1998", "--out", "page.html"]) == 0
    assert capsys.readouterr().out == "page.html\n"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert "lenet5 beside lenet5_1998" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_users_module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "user_net.py").write_text("import flax.linen as nn\n\n\ndef net():\n    return nn.Conv(4, (3, 3))\n")
    assert main(["report", "user_net:net", "--input", "8x8x1", "--out", "page.html"]) == 0
    assert "user_net:net" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_run_is_shown_with_what_it_has_learned(tmp_path, short_run):
    given = ["--checkpoint", str(short_run.folder), "--dataset", str(short_run.data), "--limit", "6"]
    assert main(["report", *given, "--out", "page.html"]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'id="learned"' in page
    assert 'id="run"' in page
    assert "SHA-256 of all variables" in page


@pytest.mark.parametrize(
    "given, message",
    [
        (["lenett"], "unknown model 'lenett'; did you mean lenet5"),
        ([], "give MODEL, --weights or --checkpoint"),
        (["lenet5", "--compare", "lenet6"], "unknown model 'lenet6'"),
        (["lenet5", "--dataset", "digits"], "--dataset and --limit"),
        (["lenet5", "--images", "none.png"], "none.png"),
        (["lenet5", "--images", "a.png", "b.txt"], "--images names 2 images"),
        (["lenet5", "--weights", "none.safetensors"], "there is no file none.safetensors"),
        (["--checkpoint", "nowhere"], "no training run in nowhere"),
        (["--weights"], "give MODEL, or a file of weights"),
        (["lenet5", "--input", "0"], "--input '0' "),
        (["lenet5", "--input", "²"], "--input '²' "),
        (["lenet5", "--input", "٣٢"], "--input '٣٢' "),
        (["--weights", "w.safetensors", "--classes", "3"], "leave out --classes"),
    ],
)
def test_bad_arguments_are_one_line_and_nothing_is_written(given, message, capsys, tmp_path):
    for name in ("a.png", "b.txt"):
        (tmp_path / name).touch()
    assert message in error_of(capsys, "report", *given, "--out", "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("out, message", [(".", "--out . is a folder"), ("no/page.html", "the folder no")])
def test_a_file_that_cannot_be_written_is_refused_first(out, message, capsys):
    assert message in error_of(capsys, "report", "lenet5", "--out", out)


def test_weights_of_another_network_are_refused(capsys, short_run):
    error = error_of(capsys, "report", "vgg16", "--checkpoint", str(short_run.folder), "--out", "page.html")
    assert "lenet5" in error and "vgg16" in error and "name that network, or none" in error


NETS = """
import flax.linen as nn


class lenet5_1998(nn.Module):
    image_shape = (32, 32, 1)

    @nn.compact
    def __call__(self, x):
        return nn.Conv(4, (3, 3), name="C1")(x)


class Odd(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Conv(4, (3, 3))(x)
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """nets.py of a user, in the current directory."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    (tmp_path / "nets.py").write_text(NETS)


def written(*given):
    assert main(["report", *given, "--out", "page.html"]) == 0
    return Path("page.html").read_text(encoding="utf-8")


def test_a_module_with_a_registered_name_does_not_get_its_paper(nets):
    from nets import lenet5_1998

    for page in (written("nets:lenet5_1998"), report(lenet5_1998()), report(lenet5_1998(), name="lenet5_1998")):
        assert "LeCun" not in page and "Gradient-based" not in page
        assert "The Linen module <code>lenet5_1998</code>" in page


def test_a_registered_network_has_its_paper_with_any_classes_and_any_name():
    for page in (written("lenet5_1998", "--classes", "3"), report("lenet5_1998", name="mine")):
        assert 'id="paper"' in page and "<cite>" in page


def test_a_network_to_compare_with_takes_the_images_of_the_first(nets):
    assert main(["report", "lenet5", "--compare", "nets:Odd", "--out", "page.html"]) == 0
    assert "lenet5 beside nets:Odd" in Path("page.html").read_text(encoding="utf-8")


def test_the_documented_calls_work(short_run):
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.+?)```", page, re.DOTALL)[1]
    made = {"Net": lambda: nn.Conv(2, (3, 3))}
    exec(code.replace("checkpoints/googlenet_bn-pets", str(short_run.folder)), made)
    assert 'id="run"' in made["html"] and 'id="learned"' in made["html"]
    assert {path.name for path in Path().glob("*.html")} == {"googlenet.html", "net.html"}


def test_the_help_names_all_that_checkpoint_takes(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["report", "--help"])
    assert "or one of zoo's own weights files" in " ".join(capsys.readouterr().out.split())
