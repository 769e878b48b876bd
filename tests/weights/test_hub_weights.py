"""Weights that go to the hub and come from it: zoo's own, and those that state timm's architecture."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from quick import drawn
from safetensors.numpy import save as serialized
from weights.hub_server import TOKEN, serving_hub

import zoo
from zoo.__main__ import main
from zoo.weights import push, to_torch
from zoo.weights.hub_weights import parse_name
from zoo.weights.model_card import CardFacts, model_card
from zoo.weights.published import published_weights

LENET = Path(__file__).parents[2] / "checkpoints" / "lenet5-fashion-mnist.safetensors"
NAME = "hf://someone/lenet"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    # The hub's newer protocol for large files is a program of its own; the older one is HTTP.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with serving_hub() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.address)
        yield found


@pytest.fixture(scope="module")
def lenet():
    return zoo.load_pretrained("lenet5", LENET)


@pytest.fixture(scope="module")
def timm_files():
    """The weights of a small network with timm's keys and ten classes, and its config.json."""
    variables = drawn(zoo.create_model("mnasnet0_5", num_classes=10), (224, 224, 3))
    state = {key: np.ascontiguousarray(value) for key, value in to_torch("mnasnet0_5", variables, "timm").items()}
    cfg = {"tag": "mine", "input_size": [3, 128, 128], "mean": [0.5] * 3, "std": [0.5] * 3, "crop_pct": 0.9}
    cfg |= {"interpolation": "bicubic"}
    config = {
        "architecture": "mnasnet_050",
        "num_classes": 10,
        "label_names": list("abcdefghij"),
        "pretrained_cfg": cfg,
    }
    return {"model.safetensors": serialized(state, {"format": "pt"}), "config.json": json.dumps(config).encode()}


def assert_same(ours, theirs):
    assert (ours.model, dict(ours.fields), ours.class_names) == (theirs.model, dict(theirs.fields), theirs.class_names)
    assert ours.preprocessing == theirs.preprocessing
    for collection, tree in theirs.variables.items():
        np.testing.assert_equal(ours.variables[collection], tree)


def refusal(*arguments, **options):
    with pytest.raises(zoo.ZooError) as error:
        zoo.load_pretrained(*arguments, **options)
    assert "\n" not in str(error.value) and TOKEN not in str(error.value)
    return str(error.value)


def test_what_is_pushed_is_what_is_loaded(hub, lenet):
    address = push(lenet, "someone/lenet", facts=CardFacts(figures={"accuracy": 0.9}, licence="mit"))
    files = hub.repositories["someone/lenet"]["main"]
    assert set(files) == {"model.safetensors", "config.json", "README.md"}
    assert address.startswith(f"{hub.address}/someone/lenet/commit/") and not hub.private["someone/lenet"]
    assert json.loads(files["config.json"])["class_names"] == list(lenet.class_names)
    assert_same(zoo.load_pretrained(NAME), lenet)
    assert_same(zoo.load_pretrained("lenet5", NAME), lenet)


def test_a_download_is_kept_and_a_branch_stays_what_it_was(hub, lenet):
    push(lenet, "someone/lenet")
    first = hub.commit_of("someone/lenet", "main")
    zoo.load_pretrained(NAME)
    push(dataclasses.replace(lenet, class_names=tuple("abcdefghij")), "someone/lenet")
    later = hub.commit_of("someone/lenet", "main")
    hub.asked.clear()
    assert zoo.load_pretrained(NAME).class_names == lenet.class_names and not hub.asked
    assert zoo.load_pretrained(f"{NAME}@{first}").class_names == lenet.class_names and not hub.asked
    assert zoo.load_pretrained(f"{NAME}@{later}").class_names == tuple("abcdefghij")


def test_a_branch_and_a_private_repository(hub, lenet):
    push(lenet, "someone/lenet", private=True, branch="next", message="better")
    assert hub.private["someone/lenet"] and "model.safetensors" not in hub.repositories["someone/lenet"].get("main", {})
    assert_same(zoo.load_pretrained(f"{NAME}@next"), lenet)


def test_timm_s_configuration_says_which_network_it_is(hub, timm_files):
    hub.commit("someone/birds", timm_files)
    found = zoo.load_pretrained("hf://someone/birds")
    assert (found.model, found.network().num_classes) == ("mnasnet0_5", 10)
    assert found.class_names == tuple("abcdefghij")
    assert found.preprocessing.image_shape == (128, 128, 3) and found.preprocessing.crop == 0.9
    assert "hf://someone/birds" in str(found.source)


def test_torch_s_file_is_taken_where_there_is_no_safetensors(hub, timm_files):
    files = {"pytorch_model.bin": b"no torch file", "config.json": timm_files["config.json"]}
    hub.commit("someone/birds", files)
    assert "pytorch_model.bin" in refusal("hf://someone/birds")
    hub.commit("someone/birds", {**timm_files, "other.safetensors": timm_files["model.safetensors"]}, "next")
    assert zoo.load_pretrained("hf://someone/birds@next/other.safetensors").model == "mnasnet0_5"


def test_a_published_repository_is_the_published_weights(hub, timm_files):
    published = next(one for one in published_weights("mnasnet1_0") if one.hub)
    variables = drawn(zoo.create_model("mnasnet1_0"), (224, 224, 3))
    state = {key: np.ascontiguousarray(value) for key, value in to_torch("mnasnet1_0", variables, "timm").items()}
    config = {"architecture": "mnasnet_100", "pretrained_cfg": {"tag": published.hub.rpartition(".")[2]}}
    files = {"model.safetensors": serialized(state, {"format": "pt"}), "config.json": json.dumps(config).encode()}
    hub.commit(published.hub, files)
    found = zoo.load_pretrained(f"hf://{published.hub}")
    assert len(found.class_names) == 1000 and found.source.tag == published.tag


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "vit_base"}, "no network that is timm's 'vit_base'"),
        ({"architecture": "resnet18"}, "not the weights of resnet18"),
        ({"pretrained_cfg": 3}, "pretrained_cfg"),
    ],
)
def test_a_configuration_of_another_network(hub, timm_files, change, message):
    config = json.dumps({**json.loads(timm_files["config.json"]), **change}).encode()
    hub.commit("someone/birds", {**timm_files, "config.json": config})
    assert message in refusal("hf://someone/birds")


def test_what_the_hub_does_not_have_or_states_wrongly(hub, timm_files):
    assert "no model someone/nothing at main" in refusal("hf://someone/nothing")
    hub.commit("someone/empty", {"notes.txt": b"x"})
    assert "no model.safetensors and no pytorch_model.bin" in refusal("hf://someone/empty")
    hub.commit("someone/birds", {"model.safetensors": timm_files["model.safetensors"]})
    assert "does not state its network" in refusal("hf://someone/birds")
    hub.commit("someone/wrong", timm_files)
    hub.wrong_config = True
    assert "digest" in refusal("hf://someone/wrong")
    hub.wrong_config = False
    assert zoo.load_pretrained("hf://someone/wrong").model == "mnasnet0_5"


@pytest.mark.parametrize(
    "name",
    ["hf://", "hf://one", "hf://datasets/a/b", "hf://a/b/../c", "hf://a/b@", "hf://a/b/c/d", "hf://a b/c", "hf://../x"],
)
def test_a_name_that_is_none(name):
    with pytest.raises(zoo.ZooError, match="hf://OWNER/NAME"):
        parse_name(name)


def test_weights_beside_the_name_of_weights(hub):
    assert "leave out weights" in refusal(NAME, "torchvision")


@pytest.mark.parametrize(("status", "message"), [(403, "does not let you write"), (500, "responded with 500")])
def test_a_hub_that_refuses(hub, lenet, status, message):
    hub.status = status
    with pytest.raises(zoo.ZooError, match=message):
        push(lenet, "someone/lenet")


def test_a_hub_without_the_newer_protocol(hub, lenet, monkeypatch):
    pytest.importorskip("hf_xet")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    with pytest.raises(zoo.ZooError, match="HF_HUB_DISABLE_XET=1"):
        push(lenet, "someone/lenet")
    assert hub.asked[-1] == "GET /api/models/someone/lenet/xet-write-token/main"


def test_without_a_token_and_with_a_wrong_name(hub, lenet, monkeypatch, tmp_path):
    with pytest.raises(zoo.ZooError, match="OWNER/NAME"):
        push(lenet, "lenet")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(zoo.ZooError, match="HF_TOKEN"):
        push(lenet, "someone/lenet")


def test_the_page_is_markdown_whatever_names_there_are(lenet):
    strange = dataclasses.replace(lenet, class_names=("a|b", *"bcdefghij"), dataset="fashion-mnist")
    text = model_card(strange, "someone/lenet", CardFacts(settings={"rate|x": "1|2"}))
    assert r"a\|b" in text and r"rate\|x" in text and text.startswith("---\n")


def test_the_command_pushes_what_predict_reads(hub, tmp_path, capsys):
    assert not main(["push", str(LENET), "someone/lenet", "--licence", "mit"])
    assert "/someone/lenet/commit/" in capsys.readouterr().out
    Image.new("L", (28, 28)).save(tmp_path / "black.png")
    assert not main(["predict", str(tmp_path / "black.png"), "--weights", NAME, "--top", "1"])
    assert "black.png" in capsys.readouterr().out
    assert not main(["push", str(LENET), "someone/lenet", "--out", str(tmp_path / "made")])
    assert (tmp_path / "made" / "README.md").read_text().startswith("---\nlibrary_name: zoo-cnn\n")
    assert_same(zoo.load_pretrained("lenet5", tmp_path / "made"), zoo.load_pretrained("lenet5", LENET))
