"""Whatever stands in a record, it is read as what its type says, or refused with one line."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from examples import check, examples
from hypothesis import strategies as st
from safetensors.numpy import save as serialized

from zoo.errors import ZooError
from zoo.training import RunFolder
from zoo.training.checkpoint.lock_owner import parse_owner, this_process
from zoo.training.logging.rows import read_rows
from zoo.visualize.sheets.sheet import read_index
from zoo.weights import load

NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, -1, 10**12, 2**63, 2**64, 10**400, 1e308, float("nan"), float("inf")]),
)
# Texts with lone surrogates too, which JSON can escape.
TEXT = st.text(st.characters(), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXT, inside, max_size=3),
    max_leaves=8,
)

PREPROCESSING = {
    "image_shape": [32, 32, 1],
    "mean": [0.5],
    "std": [0.25],
    "fit": "resize",
    "crop": 1.0,
    "interpolation": "bilinear",
}
METADATA = {
    "model": "lenet5",
    "fields": {"num_classes": 10},
    "class_names": [*"0123456789"],
    "preprocessing": PREPROCESSING,
    "dataset": "digits",
}
ROW = {
    "step": 4,
    "epoch": 1,
    "loss": 0.5,
    "test_loss": 0.6,
    "test_accuracy": 0.75,
    "learning_rate": 0.1,
    "seconds": 2.0,
}
SHEETS = [{"name": "filters", "title": "title", "caption": "caption", "command": "zoo visualize"}]


def paths_of(value, above=()):
    """The path of each field of a JSON value."""
    yield above
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inside in items:
        yield from paths_of(inside, (*above, key))


def with_value(document, path, value):
    """The document with another value at the path."""
    if not path:
        return value
    items = document.items() if isinstance(document, dict) else enumerate(document)
    changed = {key: with_value(inside, path[1:], value) if key == path[0] else inside for key, inside in items}
    return changed if isinstance(document, dict) else list(changed.values())


def changed(document):
    """The document with any JSON in place of any of its fields, as text."""
    paths = st.sampled_from(list(paths_of(document)))
    return st.builds(lambda path, value: json.dumps(with_value(document, path, value)), paths, VALUES)


def is_read_or_refused(read, *arguments):
    """What was read; None after a refusal, which is one line. Any other exception fails the test."""
    try:
        return read(*arguments)
    except ZooError as error:
        assert str(error)
        return None


@pytest.fixture(scope="module")
def config():
    """A run's config.json."""
    from zoo.data import Preprocessing
    from zoo.training import Recipe, RunConfig

    preprocessing = Preprocessing(image_shape=(32, 32, 1), mean=(0.5,), std=(0.25,))
    run = RunConfig(
        model="lenet5", dataset="digits", recipe=Recipe(), preprocessing=preprocessing, class_names=tuple("ab")
    )
    return json.loads(json.dumps(asdict(run)))


@examples
def test_metadata_of_weights(tmp_path, count):
    file = tmp_path / "w.safetensors"

    def holds(text):
        metadata = {key: json.dumps(value) for key, value in (json.loads(text) | {}).items()} if is_object(text) else {}
        file.write_bytes(serialized({"x": np.zeros(1, np.float32)}, {"format": "zoo 1", **metadata}))
        # Its arrays are those of no network.
        with pytest.raises(ZooError):
            load(file)

    check(count, holds, changed(METADATA))


def is_object(text):
    """Whether the JSON text is an object."""
    return isinstance(json.loads(text), dict)


@examples
def test_configuration_of_a_run(tmp_path, config, count):
    folder = RunFolder(tmp_path)

    def holds(text):
        folder.config_file.write_text(text)
        read = is_read_or_refused(folder.read_config)
        if read is not None:
            height, width, channels = read.preprocessing.image_shape
            assert min(height, width, channels) >= 1
            assert all(isinstance(name, str) for name in (read.model, read.dataset, *read.class_names))
            assert read.recipe.epochs >= 1 and read.recipe.learning_rate > 0

    check(count, holds, changed(config))


@examples
def test_rows_of_metrics(tmp_path, count):
    folder = RunFolder(tmp_path)

    def holds(text):
        folder.metrics_file.write_text(text + "\n" + json.dumps(ROW) + "\n")
        stored = read_rows(folder)
        assert stored.rows[-1] == ROW and len(stored.rows) + len(stored.unreadable) == 2
        values = [value for row in stored.rows for value in row.values()]
        assert all(value is None or (isinstance(value, int | float) and np.isfinite(value)) for value in values)

    check(count, holds, changed(ROW))


@examples
def test_index_of_sheets(tmp_path, count):
    (tmp_path / "filters.png").write_bytes(b"")

    def holds(text):
        (tmp_path / "index.json").write_text(text)
        for entry in is_read_or_refused(read_index, Path(tmp_path)) or ():
            assert all(isinstance(value, str) for value in asdict(entry).values())

    check(count, holds, changed(SHEETS))


@examples
def test_owner_of_a_lock(count):
    def holds(text):
        owner = is_read_or_refused(parse_owner, text.encode(), "lock.json")
        if owner is not None:
            assert owner.pid >= 1
            assert all(isinstance(value, str) for name, value in asdict(owner).items() if name != "pid")

    check(count, holds, changed(asdict(this_process())))
