"""JSON from outside: any wrong value in any record is one line that names the file and the field."""

import dataclasses
import json
import operator
import re
import types
import typing
from typing import Annotated, Any

import msgspec
import pytest

import zoo
from zoo.data import Preprocessing
from zoo.models.plain_fields import storable_fields
from zoo.registry import list_models, model_info
from zoo.runtime.records import InvalidRecord, as_record, fields_of, is_record, parse_json
from zoo.training.checkpoint.checksums import CheckpointRecord, ChecksummedRecord
from zoo.training.checkpoint.lock_owner import Owner, this_process
from zoo.training.checkpoint.position import Position
from zoo.training.checkpoint.saved_metrics import SavedMetrics
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_config import RunConfig
from zoo.training.logging.rows import Columns
from zoo.training.logging.step_metrics import Totals
from zoo.visualize.sheets.sheet import IndexEntry
from zoo.weights.metadata import WeightsMetadata
from zoo.weights.network_fields import network_fields
from zoo.weights.published import PublishedWeights
from zoo.weights.timm_config import PretrainedConfig, TimmConfig

PREPROCESSING = dataclasses.asdict(Preprocessing(image_shape=(32, 48, 3), mean=(0.1, 0.2, 0.3), std=(1.0, 0.5, 0.25)))
POSITION = {"feed": {"next_index": 4}, "metrics": {"sums": {"loss": 1.5}}, "seconds": 2.5}
CFG = {"tag": "in1k", "input_size": [3, 96, 96], "mean": [0.5] * 3, "std": [0.5] * 3, "crop_pct": 0.9}
# A valid value of each record that zoo reads.
RECORDS: dict[type, dict[str, Any]] = {
    Preprocessing: PREPROCESSING,
    WeightsMetadata: {
        "model": "lenet5",
        "fields": {},
        "class_names": ["a"],
        "preprocessing": PREPROCESSING,
        "made_from": {"tag": "timm/a1_in1k", "revision": "0" * 40, "licence": "apache-2.0"},
    },
    Recipe: dataclasses.asdict(Recipe()),
    RunConfig: {
        "model": "lenet5",
        "dataset": "digits",
        "recipe": {},
        "preprocessing": PREPROCESSING,
        "class_names": ["a", "b"],
        "pretrained": None,
        "pretrained_sha256": "0" * 64,
        "data": {"kind": "folder", "path": "/a", "training": {"images": 3, "per_class": [1, 2], "order": ""}},
        "earlier": [{"until_step": 3, "recipe": {}}],
    },
    Columns: {"step": 1, "epoch": 0.5, "loss": 2.5, "test_accuracy": 0.5, "seconds": 1},
    ChecksummedRecord: {"record": "{}", "crc32": 1},
    CheckpointRecord: {"position": POSITION, "shapes": {"step": []}, "checksums": {"step": 4}},
    Position: POSITION,
    Totals: {"finite": 3, "skipped": 0, "sums": {"loss": 1.5}},
    SavedMetrics: {"test_accuracy": 0.5},
    Owner: dataclasses.asdict(this_process()),
    IndexEntry: {"name": "a", "title": "t", "caption": "c", "command": "x"},
    PublishedWeights: {
        "model": "lenet5",
        "tag": "a/b",
        "key_map": "timm",
        "file": "f",
        "licence": "mit",
        "preprocessing": PREPROCESSING,
    },
    TimmConfig: {"architecture": "resnet50", "pretrained_cfg": CFG},
    PretrainedConfig: CFG,
}
WRONG: dict[str, Any] = {
    "null": None,
    "list": [[[]]],
    "object": {"": {}},
    "text": "\x1b[31mred\n",
    "surrogate": "\ud800",
    "boolean": True,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "negative": -1,
    "fraction": 0.5,
    "huge": 10**30,
    "zero": 0,
    "10**12": 10**12,
    "number as text": "1",
    "list of null": [None],
    "another object": {"x": [None]},
    "minus infinity": -float("inf"),
}
FIELDS = [(record, name) for record in RECORDS for name in fields_of(record)]


def read(value, record):
    return as_record(parse_json(json.dumps(value), "some.json"), record, "some.json")


def accepts(kind, value):
    """Whether a type takes a value: JSON's rules, told from the annotation and not by the code that is tested."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Required, typing.NotRequired):
        return accepts(arguments[0], value)
    if origin is Annotated:
        return accepts(arguments[0], value) and all(within(note, value) for note in arguments[1:])
    if origin in (typing.Union, types.UnionType):
        return any(accepts(option, value) for option in arguments)
    if origin is typing.Literal:
        return value in arguments
    if kind in (float, int):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole or (kind is float and isinstance(value, float) and abs(value) < float("inf"))
    if kind in (str, bool, type(None)):
        return isinstance(value, kind)
    return False  # a list, an object, another record: none of the wrong values is one


def within(note, value):
    if isinstance(value, str):
        return note.pattern is None or re.search(note.pattern, value) is not None
    limits = ((getattr(operator, name), getattr(note, name)) for name in ("ge", "gt", "le", "lt"))
    return all(limit is None or compare(value, limit) for compare, limit in limits)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_the_examples_are_valid(record):
    assert read(RECORDS[record], record)


@pytest.mark.parametrize(("record", "name"), FIELDS, ids=lambda part: getattr(part, "__name__", part))
def test_no_wrong_value_of_a_field_is_accepted_in_silence(record, name):
    refused = 0
    for wrong in WRONG.values():
        config_range = getattr(record, "__dataclass_fields__", {}).get(name)
        limits = config_range.metadata if config_range else {}
        if accepts(fields_of(record)[name], wrong) and (
            not limits
            or isinstance(wrong, str | bool | None)
            or limits["minimum"] <= wrong <= min(limits["maximum"], 1)
        ):
            continue
        if name == "fields" and isinstance(wrong, dict):
            refused += 1  # by the network's own types: below
            continue
        with pytest.raises(zoo.ZooError) as error:
            read({**RECORDS[record], name: wrong}, record)
        text = str(error.value)
        assert text.startswith("some.json: ") and name in text and text.isprintable() and len(text) < 400
        refused += 1
    assert refused >= 9


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_field_of_a_newer_version_is_told_as_such(record):
    with pytest.raises(InvalidRecord, match=r"some\.json: new_field is a field that this version.*newer"):
        read({**RECORDS[record], "new_field": 1}, record)
    assert as_record({**RECORDS[record], "new_field": 1}, record, "some.json", allow_unknown=True)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_nothing_in_a_record_is_of_any_type(record):
    """What no annotation describes would reach zoo unchecked. `fields` have the types of the network."""
    for name, kind in fields_of(record).items():
        assert name == "fields" or not has_any(kind), name


def class_of(model):
    build = model_info(model).build
    return getattr(build, "func", build)


# Fields are those of a network's class.
ONE_OF_EACH_CLASS = list({class_of(model): model for model in list_models()}.values())


def has_any(kind):
    if kind is Any or kind in (dict, list, tuple, object):
        return True
    parts = fields_of(kind).values() if is_record(kind) and kind not in RECORDS else typing.get_args(kind)
    is_literal = typing.get_origin(kind) is typing.Literal
    return not is_literal and any(has_any(part) for part in parts if not isinstance(part, msgspec.Meta))


@pytest.mark.parametrize("model", ONE_OF_EACH_CLASS)
def test_no_wrong_value_of_a_networks_field_is_accepted_in_silence(model):
    for name, kind in storable_fields(model_info(model).build).items():
        for wrong in (*WRONG.values(), [30_000], [1, 2, -3], 10**7 + 1):
            if not accepts(kind, wrong):
                with pytest.raises(InvalidRecord, match=rf"^some\.json: fields\.{name}") as error:
                    network_fields(model, parse_json(json.dumps({name: wrong}), "some.json"), "some.json")
                assert str(error.value).isprintable()


@pytest.mark.parametrize("model", ONE_OF_EACH_CLASS)
def test_a_file_sets_bounded_numbers_of_a_network(model):
    """A field of a new network must state its range, or a file could ask for a network without end."""
    for name, kind in storable_fields(model_info(model).build).items():
        assert accepts(kind, True) or not accepts(kind, 10**8), name
    assert not {"dtype", "act", "name", "parent", "norm"} & storable_fields(model_info(model).build).keys()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"crop": 1, "crop": 0.5}', "crop occurs twice"),
        (b'{"crop": "\xff"}', "not UTF-8"),
        ("", "not JSON.*line 1"),
        ('{"crop": 1', "not JSON"),
        ("1" + "0" * 5000, "digits"),
        ("3", r"some\.json is 3: expected an object"),
        ('{"image_shape": [1, 2]}', "image_shape is a list of 2: expected a list of length 3"),
        ('{"image_shape": [1, 2, 30000]}', r"image_shape\[2\] is 30000: expected a whole number <= 1024"),
        ('{"image_shape": [1, 2, 1], "mean": [1e999]}', r"mean\[0\] is 1e999: expected a number"),
        ('{"image_shape": [1, 2, 1], "mean": [1]}', "std is missing"),
        ('{"image_shape": [1, 2, 1], "mean": [1, 1], "std": [1]}', "mean has 2 values"),
        ('{"image_shape": [1, 2, 1], "mean": [1], "std": [1], "fit": "crop"}', "fit is .crop.*one of resize, pad"),
        ('{"crop": "\\ud800"}', r'crop is "\\\\ud800": expected a number'),
        ('{"crop": "\\ud800", "mean": ' + "[" * 900 + "]" * 900 + "}", "nested too deeply|crop is"),
        ('{"image_shape": "' + "x" * 10**6 + '"}', r"image_shape is .x{37}\.\.\.. *: expected a list"),
    ],
)
def test_the_line_says_where_what_and_what_else(text, told):
    with pytest.raises(InvalidRecord, match=told) as error:
        as_record(parse_json(text, "some.json"), Preprocessing, "some.json")
    assert str(error.value).startswith("some.json") and len(str(error.value)) < 200


def test_a_range_is_that_of_the_command_line():
    with pytest.raises(InvalidRecord, match=r"some\.json: recipe: epochs is 0: it must be"):
        read({**RECORDS[RunConfig], "recipe": {"epochs": 0}}, RunConfig)


@pytest.mark.parametrize("text", ["\ud800", "\ud800 \\ud800 \\\\ud", "\U0001f600\udcff"])
def test_a_name_of_a_field_that_is_not_utf8(text):
    with pytest.raises(InvalidRecord, match=r"some\.json: .*\\ud.* is a field"):
        read({**RECORDS[Preprocessing], text: 1}, Preprocessing)


def test_a_name_that_is_not_utf8_is_read_as_it_is_shown():
    assert read({**RECORDS[RunConfig], "class_names": ["a\udcff", "\u65e5"]}, RunConfig).class_names == (
        r"a\udcff",
        "日",
    )
