"""Files of the Hugging Face hub, from a server that answers as it does."""

import hashlib
import re
import sys
from dataclasses import replace
from urllib.parse import quote

import pytest
from weights.raw_server import raw_server, repeating

import zoo
from zoo.runtime.web.hub import hub_file
from zoo.runtime.web.limits import Limits
from zoo.weights import open_pretrained
from zoo.weights.fetch import fetch, local_file
from zoo.weights.hub_cache import hub_folder
from zoo.weights.pretrained import _tagged, default_weights
from zoo.weights.published import find_published, published_weights

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


def a_pinned_file_is_not_the_newest(published):
    """After `timm@<commit>` was fetched, plain `timm` does not silently load that commit."""
    file = hub_folder(published.hub) / ("2" * 40) / published.file
    file.parent.mkdir(parents=True)
    file.write_text("pinned")
    return published.revision != "main" or local_file(published) is None


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


def test_a_pinned_file_is_not_the_newest(published, cache):
    assert a_pinned_file_is_not_the_newest(published)


def test_main_stays_what_it_was_whatever_commits_are_fetched_later(hub, published):
    fetch(published)
    publish(hub, LATER)
    later = fetch(_tagged("mnasnet1_0", f"timm@{LATER}"))
    hub.status = 500  # no network from here
    assert fetch(published).parent.name == COMMIT != later.parent.name
    assert [entry.tag for entry in published_weights("mnasnet1_0") if local_file(entry)] == [published.tag]


def test_main_is_asked_for_where_only_a_pinned_commit_is_here(hub, published):
    publish(hub, LATER)
    fetch(_tagged("mnasnet1_0", f"timm@{LATER}"))
    publish(hub, COMMIT)
    assert local_file(published) is None and default_weights("mnasnet1_0").tag.startswith("torchvision/")
    assert fetch(published).parent.name == COMMIT


@pytest.mark.parametrize("branch", ["v1.0", "refs/pr/3", "../../escaped", "refs"])
def test_one_branch_never_stands_for_another(hub, published, cache, branch):
    main, other = fetch(published), replace(published, revision=branch)
    assert local_file(other) is None
    publish(hub, LATER)
    hub.files[f"/{REPOSITORY}/resolve/{quote(branch, safe='')}/model.safetensors"] = BODY
    assert fetch(other).parent.name == LATER
    hub.status = 500
    assert (local_file(other).parent.name, local_file(published)) == (LATER, main)
    assert not (cache.parent / "escaped").exists()


@pytest.mark.parametrize("note", [b"", b"main", b"../../..", b"\xff\xfe", b"2" * 39])
def test_a_damaged_note_of_a_branch_is_no_commit(published, cache, note):
    file = hub_folder(published.hub) / "refs" / "main"
    file.parent.mkdir(parents=True)
    file.write_bytes(note)
    assert local_file(published) is None


def test_an_unfinished_download_is_no_file(published, cache):
    folder = hub_folder(published.hub)
    (folder / COMMIT).mkdir(parents=True)
    (folder / COMMIT / f"{published.file}.part").write_bytes(BODY[:10])
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    assert local_file(published) is None


def no_weights_of_no_name():
    """Weights without a name are none."""
    return all(refused(name) for name in ("", " ", "\t"))


def refused(name):
    with pytest.raises(zoo.ZooError, match=r"empty.*resnet50"):
        find_published("resnet50", name)
    return True


def test_no_weights_of_no_name():
    assert no_weights_of_no_name()
    for weights in ("", f"@{COMMIT}"):
        with pytest.raises(zoo.ZooError, match="empty"):
            open_pretrained("resnet50", weights)
    assert find_published("resnet50", "/") is None


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


@pytest.mark.parametrize(
    ("status", "message"), [(404, "the hub has no model.safetensors of"), (503, "responded with 503")]
)
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


def test_a_hub_that_answers_byte_by_byte(monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with raw_server(repeating(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", 0.05)) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(zoo.ZooError, match=f"cannot reach the hub for {REPOSITORY} .no response in time"):
            hub_file(REPOSITORY, "model.safetensors", "main", Limits(header_seconds=0.5))


@pytest.mark.parametrize(
    "endpoint", ["http://[::1", "http://127.0.0.1:99999", "http://me:secret@host", "ftp://host", "x"]
)
def test_an_endpoint_that_is_no_url(published, monkeypatch, endpoint):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(zoo.ZooError, match="URL") as error:
        fetch(published)
    assert "secret" not in str(error.value)


def test_without_huggingface_hub(published, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(zoo.ZooError, match=f"{published.hub} .*pip install huggingface_hub"):
        fetch(published)
