"""Files of the Hugging Face hub, from a server that answers as it does."""

import hashlib
import re
import sys

import pytest

import zoo
from zoo.weights.fetch import fetch, local_file
from zoo.weights.pretrained import _tagged
from zoo.weights.published import find_published

BODY = b"weights" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()
COMMIT, LATER = "1" * 40, "2" * 40
REPOSITORY = "timm/mnasnet_100.rmsp_in1k"


@pytest.fixture
def published():
    return find_published("mnasnet1_0", "timm")


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
    matches = [(kind, re.fullmatch(r".*/resolve/(\w+)/model\.safetensors", path)) for kind, path, _ in site.asked]
    return [(kind, match[1]) for kind, match in matches if match]


def test_a_file_at_the_commit_that_main_is(hub, published, cache):
    path = fetch(published)
    assert path.read_bytes() == BODY
    assert path == cache / "weights/hub" / REPOSITORY / COMMIT / "model.safetensors"
    assert asked_of(hub) == [("HEAD", "main"), ("GET", COMMIT)]
    hub.status = 500
    assert fetch(published) == path == local_file(published)
    assert len(asked_of(hub)) == 2


def test_a_pinned_revision(hub, published):
    assert fetch(published).parent.name == COMMIT
    publish(hub, LATER)
    pinned = _tagged("mnasnet1_0", f"timm@{LATER}")
    assert local_file(pinned) is None
    assert fetch(pinned).parent.name == LATER
    assert fetch(_tagged("mnasnet1_0", f"timm/rmsp_in1k@{COMMIT}")).parent.name == COMMIT


@pytest.mark.parametrize("revision", ["main", "1234567", "../../etc", "A" * 40])
def test_a_revision_is_a_whole_commit(revision):
    with pytest.raises(zoo.ZooError, match=f"{revision}.* 40 hexadecimal digits"):
        _tagged("mnasnet1_0", f"timm@{revision}")


def test_what_is_not_what_the_hub_states_is_not_kept(hub, published, cache):
    publish(hub, COMMIT, "0" * 64)
    with pytest.raises(zoo.ZooError, match=f"SHA-256 .*{'0' * 64}"):
        fetch(published)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_known_digest_is_compared_before_anything_is_downloaded(hub, cache):
    published = find_published("resnet18", "timm")
    hub.files[f"/{published.hub}/resolve/{published.revision}/model.safetensors"] = BODY
    with pytest.raises(zoo.ZooError, match=rf"{published.file} of {published.hub} .*{published.sha256}"):
        fetch(published)
    assert [kind for kind, _ in asked_of(hub)] == ["HEAD"]


@pytest.mark.parametrize("commit", ["", "main", "../../../escaped"])
def test_a_hub_that_states_no_commit(hub, published, commit):
    publish(hub, commit)
    with pytest.raises(zoo.ZooError, match=f"no commit and SHA-256 of {published.file} of {published.hub}"):
        fetch(published)


@pytest.mark.parametrize(("status", "message"), [(404, "the hub has no model.safetensors of"), (503, "answered 503")])
def test_a_hub_without_the_file(hub, published, status, message):
    hub.status = status
    with pytest.raises(zoo.ZooError, match=message):
        fetch(published)


def test_no_network(published, cache, monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(zoo.ZooError, match=f"cannot reach the hub for {published.hub}"):
        fetch(published)


def test_without_huggingface_hub(published, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(zoo.ZooError, match=f"{published.hub} .*pip install huggingface_hub"):
        fetch(published)
