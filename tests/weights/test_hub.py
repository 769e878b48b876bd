"""Files of the Hugging Face hub, from a server that answers as it does."""

import hashlib
import re
import sys

import pytest

import zoo
from zoo.weights.fetch import fetch, present_file
from zoo.weights.pretrained import _tagged
from zoo.weights.published import find_source

BODY = b"weights" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()
COMMIT, LATER = "1" * 40, "2" * 40
REPOSITORY = "timm/mnasnet_100.rmsp_in1k"


@pytest.fixture
def source():
    return find_source("mnasnet1_0", "timm")


@pytest.fixture
def hub(site, cache, monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_ENDPOINT", site.address)
    publish(site, COMMIT)
    return site


def publish(site, commit, digest=DIGEST):
    for revision in ("main", commit):
        site.files[f"/{REPOSITORY}/resolve/{revision}/model.safetensors"] = BODY
    site.headers = {"X-Repo-Commit": commit, "X-Linked-Etag": f'"{digest}"', "ETag": '"other"'}


def asked_of(site):
    """What was asked of files, as kind and revision; huggingface_hub asks for more than that."""
    places = [(kind, re.fullmatch(r".*/resolve/(\w+)/model\.safetensors", path)) for kind, path, _ in site.asked]
    return [(kind, match[1]) for kind, match in places if match]


def test_a_file_at_the_commit_that_main_is(hub, source, cache):
    path = fetch(source)
    assert path.read_bytes() == BODY
    assert path == cache / "weights/hub" / REPOSITORY / COMMIT / "model.safetensors"
    assert asked_of(hub) == [("HEAD", "main"), ("GET", COMMIT)]
    hub.status = 500
    assert fetch(source) == path == present_file(source)
    assert len(asked_of(hub)) == 2


def test_a_pinned_revision(hub, source):
    assert fetch(source).parent.name == COMMIT
    publish(hub, LATER)
    pinned = _tagged("mnasnet1_0", f"timm@{LATER}")
    assert present_file(pinned) is None
    assert fetch(pinned).parent.name == LATER
    assert fetch(_tagged("mnasnet1_0", f"timm/rmsp_in1k@{COMMIT}")).parent.name == COMMIT


@pytest.mark.parametrize("revision", ["main", "1234567", "../../etc", "A" * 40])
def test_a_revision_is_a_whole_commit(revision):
    with pytest.raises(zoo.ZooError, match="is no revision: the 40 hexadecimal digits of a commit"):
        _tagged("mnasnet1_0", f"timm@{revision}")


def test_what_is_not_what_the_hub_states_is_not_kept(hub, source, cache):
    publish(hub, COMMIT, "0" * 64)
    with pytest.raises(zoo.ZooError, match="was changed or damaged, and is not kept"):
        fetch(source)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_known_digest_is_compared_before_anything_is_downloaded(hub, cache):
    source = find_source("resnet18", "timm")
    hub.files[f"/{source.hub}/resolve/{source.revision}/model.safetensors"] = BODY
    with pytest.raises(zoo.ZooError, match=r"another model\.safetensors of timm/resnet18\.a1_in1k than the one known"):
        fetch(source)
    assert [kind for kind, _ in asked_of(hub)] == ["HEAD"]


@pytest.mark.parametrize("commit", ["", "main", "../../../escaped"])
def test_a_hub_that_states_no_commit(hub, source, commit):
    publish(hub, commit)
    with pytest.raises(zoo.ZooError, match="states no commit and SHA-256"):
        fetch(source)


@pytest.mark.parametrize(("status", "said"), [(404, "the hub has no model.safetensors of"), (503, "answered 503")])
def test_a_hub_without_the_file(hub, source, status, said):
    hub.status = status
    with pytest.raises(zoo.ZooError, match=said):
        fetch(source)


def test_no_network(source, cache, monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(zoo.ZooError, match=r"cannot reach the hub for timm/.* name a file that is here"):
        fetch(source)


def test_without_huggingface_hub(source, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(zoo.ZooError, match="through huggingface_hub: pip install huggingface_hub, or name a file"):
        fetch(source)
