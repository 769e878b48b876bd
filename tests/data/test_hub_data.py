"""Data sets of the Hugging Face hub, from a server that answers as it does."""

import hashlib
import json

import pytest
from shard_fixtures import images_of, make_folder, table_of, write_table, write_tars
from weights.server import serving

from zoo.__main__ import main
from zoo.caches.emptying import empty
from zoo.caches.kinds import CACHES
from zoo.data import DataError, open_dataset
from zoo.data.sources.hub import parse_name
from zoo.errors import ZooError
from zoo.runtime.web.download import download

COMMIT, LATER = "1" * 40, "2" * 40
NAME = "hf://datasets/someone/photos"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return images_of(make_folder(tmp_path_factory.mktemp("photos") / "photos"))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "secret")
    with serving() as site:
        monkeypatch.setenv("HF_ENDPOINT", site.address)
        yield site


def publish(site, files, commit=COMMIT, revision="main", **changed):
    listed = [
        {
            "rfilename": name,
            "size": len(content),
            "lfs": {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 1, **changed},
        }
        for name, content in files.items()
    ]
    listed.append({"rfilename": "README.md", "size": 3, "blobId": "x"})
    answer = {"id": "someone/photos", "sha": commit, "siblings": listed}
    site.files[f"/api/datasets/someone/photos/revision/{revision}?blobs=true"] = json.dumps(answer).encode()
    for name, content in files.items():
        site.files[f"/datasets/someone/photos/resolve/{commit}/{name}"] = content


@pytest.fixture
def tables(images, tmp_path):
    pytest.importorskip("pyarrow")
    names = {"data/train-00000-of-00001.parquet": images[::2], "data/test-00000-of-00001.parquet": images[1::2]}
    return {name: write_table(tmp_path / "made" / name, table_of(part)).read_bytes() for name, part in names.items()}


def message(name=NAME) -> str:
    with pytest.raises(ZooError) as error:
        open_dataset(name)
    assert "\n" not in str(error.value) and "secret" not in str(error.value)
    return str(error.value)


def test_tables_are_downloaded_once_and_opened_without_the_network(hub, tables, images, tmp_path):
    publish(hub, tables)
    data = open_dataset(NAME)
    assert data.name == "photos" and data.train.files == tuple(name for name, _, _ in images[::2])
    assert data.place.path == str(tmp_path / "cache/hub/someone/photos" / COMMIT)
    hub.status = 500
    asked = len(hub.asked)
    assert open_dataset(NAME).test.encoded(3) == data.test.encoded(3) and len(hub.asked) == asked
    assert "500" in message(f"{NAME}@other")


def test_a_branch_stays_what_it_was_and_a_commit_can_be_named(hub, tables):
    publish(hub, tables)
    open_dataset(NAME)
    publish(hub, tables, LATER, revision="refs%2Fconvert%2Fparquet")
    assert LATER in open_dataset(f"{NAME}@refs/convert/parquet/data").place.path
    assert COMMIT in open_dataset(NAME).place.path


def test_tar_files_of_a_folder(hub, images, tmp_path):
    folder = write_tars(tmp_path / "tar", images)
    shards = {f"full/{path.name}": path.read_bytes() for path in folder.iterdir()}
    publish(hub, {**shards, "other/x.tar": b"no tar file"})
    assert len(open_dataset(f"{NAME}/full").train) == 24
    assert "x.tar" in message(f"{NAME}/other")
    assert "missing has no" in message(f"{NAME}/missing")


def test_what_the_hub_does_not_have_or_has_wrong(hub, tables):
    assert "HF_TOKEN" in message()
    publish(hub, {"../../escaped.parquet": b"x"})
    assert "leads out" in message()
    publish(hub, tables, sha256="0" * 64)
    assert "SHA-256" in message()
    publish(hub, tables, sha256="no digest")
    assert ".parquet" in message()
    publish(hub, tables, commit="../..")
    assert "commit" in message()
    publish(hub, tables)
    # After the list of files.
    hub.drop_after = 1000
    assert "stopped" in message()
    hub.drop_after = None
    assert len(open_dataset(NAME).train) == 15


def test_without_the_network_or_the_library_it_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert main(["data", NAME]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and "someone/photos" in shown
    assert main(["data", NAME, "--data-dir", str(tmp_path)]) == 2
    assert "--data-dir" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["hf://", "hf://datasets/x", "hf://models/a/b", f"{NAME}/../x", "hf://datasets/../x", f"{NAME}/a\x1b[31m"]
)
def test_names_that_are_none(name):
    with pytest.raises(DataError, match="OWNER/NAME"):
        open_dataset(name)


def test_the_parts_of_a_name():
    parsed = parse_name(f"{NAME}@v1%2E0/a/b/")
    assert (parsed.repository, parsed.revision, parsed.folder) == ("someone/photos", "v1.0", "a/b")
    assert parse_name(NAME).revision == "main"


def test_the_cache_is_emptied_of_them_by_name(hub, tables, tmp_path):
    publish(hub, tables)
    open_dataset(NAME)
    cache = next(cache for cache in CACHES if cache.name == "hub")
    assert cache.by_name_only
    empty(cache)
    assert not list((tmp_path / "cache/hub").rglob("*.parquet"))
    assert len(open_dataset(NAME).train) == 15


def test_a_token_is_for_the_first_host_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as hub, serving() as store:
        store.files["/x"] = b"content"
        hub.status, hub.headers = 302, {"Location": f"{store.address}/x"}
        path = download(f"{hub.address}/x", tmp_path / "x", headers={"Authorization": "Bearer secret"})
    assert path.read_bytes() == b"content"
    assert hub.authorizations == ["Bearer secret"] and store.authorizations == [None]
