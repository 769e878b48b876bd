"""The section about a run, compared with the files of its folder and with plain counting."""

import dataclasses
import json
import shlex
from dataclasses import replace

import numpy as np
import pytest
from quick import drawn
from sections import pixels, rendered

import zoo
from zoo.commands.arguments.training import given_fields
from zoo.commands.command_line import parser
from zoo.data import DataOrigin, Preprocessing, SplitRecord
from zoo.data.dataset import ArraySource
from zoo.report.learned.activation_survey import PredictedClasses
from zoo.report.run.run_section import run_section
from zoo.report.run.train_command import train_command
from zoo.training import Recipe, RunConfig, RunFolder, recipe_for
from zoo.training.config.overrides import with_given
from zoo.training.config.recipe_table import named_recipe
from zoo.training.config.run_config import EarlierRecipe
from zoo.training.resume_config import describe_changes
from zoo.visualize.network_and_images import EvenlySpaced, ImageSet, TrainedNetwork
from zoo.weights import Weights

pytestmark = pytest.mark.usefixtures("tiny")

NAMES = ("cat", "<script>alert(1)</script>", "dog", "eel")
PREPROCESSING = Preprocessing(image_shape=(24, 24, 1), mean=(0.4,), std=(0.2,))
IMAGES = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1), np.uint8).repeat(6, axis=1).repeat(6, axis=2)
LABELS = np.arange(50) % 3  # none of the last class
IMAGE_SET = ImageSet(ArraySource(IMAGES, LABELS), "blocks, 50 test images", class_names=NAMES)
CONFIG = RunConfig(
    model="tiny",
    dataset="blocks",
    recipe=Recipe(epochs=4, learning_rate=0.003, flip=True),
    preprocessing=PREPROCESSING,
    class_names=NAMES,
    data=DataOrigin(kind="folder", path="/data/blocks", training=SplitRecord(images=60_000)),
)
ROWS = [
    {"step": 10, "epoch": 1, "loss": 2.0, "test_loss": 1.5, "accuracy": 0.31, "test_accuracy": 0.42, "seconds": 5.0},
    {"step": 20, "epoch": 2, "loss": None, "test_loss": 1.1, "accuracy": 0.6, "test_accuracy": 0.62, "seconds": 9.0},
    {"step": 30, "epoch": 3, "loss": 0.9, "test_loss": 1.2, "accuracy": 0.7, "test_accuracy": 0.6, "seconds": 75.4},
]
RATES = (1e-3, 5e-4, 0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    run_folder = RunFolder(tmp_path_factory.mktemp("runs") / "tiny-blocks")
    run_folder.start(CONFIG)
    lines = [json.dumps({**row, "learning_rate": rate}) for row, rate in zip(ROWS, RATES, strict=True)]
    # An incomplete last line, as after a power failure.
    run_folder.metrics_file.write_text("\n".join(lines) + '\n{"step": 4')
    return run_folder.path


@pytest.fixture(scope="module")
def trained(tiny):
    variables = drawn(zoo.create_model("tiny", num_classes=4), PREPROCESSING.image_shape)
    fields = {"num_classes": 4}
    weights = Weights(model="tiny", variables=variables, preprocessing=PREPROCESSING, fields=fields, class_names=NAMES)
    return TrainedNetwork(weights, "tiny, weights random")


@pytest.fixture(scope="module")
def run(folder, trained):
    return run_section(folder, trained, IMAGE_SET, batch_size=16)


@pytest.fixture(scope="module")
def section(run):
    return rendered("run/run.html.j2", run=run)


@pytest.fixture(scope="module")
def probabilities(trained):
    """The softmax of the logits, of all images at once."""
    logits = trained.model.apply(trained.variables, PREPROCESSING.normalized(IMAGES))
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def table(section, first):
    return next(rows for rows in section.tables if rows[0][0] == first)


def test_the_confusion_matrix_counts_images(section, probabilities):
    head, *rows = table(section, "true class")
    assert head == ["true class", *NAMES, "images", "correct"]
    predicted = probabilities.argmax(axis=1)
    for truth, (name, *counts, images, right) in enumerate(rows):
        assert name == NAMES[truth]
        assert list(map(int, counts)) == [((truth == LABELS) & (predicted == other)).sum() for other in range(4)]
        of = (truth == LABELS).sum()
        assert int(images) == of
        assert right == (f"{((predicted == truth) & (truth == LABELS)).sum() / of:.1%}" if of else "–")  # noqa: RUF001
    assert f"{(predicted == LABELS).sum()} of 50 images" in section.text


def test_pairs_are_the_most_confused_first(run, probabilities):
    predicted = probabilities.argmax(axis=1)
    counts = {
        (NAMES[a], NAMES[b]): ((a == LABELS) & (predicted == b)).sum() for a in range(4) for b in range(4) if a != b
    }
    assert {(pair.true_class, pair.predicted_class): pair.images for pair in run.confusion.pairs} == {
        names: count for names, count in counts.items() if count
    }
    assert [pair.images for pair in run.confusion.pairs] == sorted(filter(None, counts.values()), reverse=True)


def test_mistakes_are_the_most_probable_wrong_predictions(run, probabilities):
    wrong = [image for image in range(50) if probabilities[image].argmax() != LABELS[image]]
    wrong.sort(key=lambda image: -probabilities[image].max())
    assert [mistake.number for mistake in run.mistakes] == wrong[:12]
    for mistake in run.mistakes:
        assert (mistake.true_class, mistake.predicted_class) == (
            NAMES[LABELS[mistake.number]],
            NAMES[probabilities[mistake.number].argmax()],
        )
        assert mistake.probability == pytest.approx(probabilities[mistake.number].max(), rel=1e-4)
        np.testing.assert_array_equal(pixels(mistake.image.uri), IMAGES[mistake.number, ..., 0])


def test_given_predictions_are_used(folder, trained):
    predicted = PredictedClasses(np.array([0, 0, -1]), np.array([[2, 0], [0, 2], [1, 0]]), np.array([[0.9, 0.1]] * 3))
    run = run_section(folder, trained, IMAGE_SET, predicted)
    assert (run.confusion.images, run.confusion.correct) == (2, 1)  # the class of the third is unknown
    assert [(mistake.number, mistake.predicted_class) for mistake in run.mistakes] == [(0, "dog")]


def test_images_are_numbered_as_in_their_data_set(folder, trained, probabilities):
    some = ImageSet(EvenlySpaced(IMAGE_SET.source, 25), "half", class_names=NAMES)
    numbers = [mistake.number for mistake in run_section(folder, trained, some).mistakes]
    wrong = [image for image in range(0, 50, 2) if probabilities[image].argmax() != LABELS[image]]
    assert numbers == sorted(wrong, key=lambda image: -probabilities[image].max())[:12]


def test_curves_are_the_metrics(run):
    loss, accuracy, rate = run.panels
    lines = {line.label: line for panel in (loss, accuracy) for line in panel.curves}
    assert [line.values for line in loss.curves] == [((1, 2.0), (3, 0.9)), ((1, 1.5), (2, 1.1), (3, 1.2))]
    assert lines["test"].values == ((1, 0.42), (2, 0.62), (3, 0.6))
    assert rate.curves[0].values == ((1, 1e-3), (2, 5e-4), (3, 0.0))
    # A missing value is a gap.
    assert list(map(len, loss.curves[0].segments)) == [1, 1] and list(map(len, loss.curves[1].segments)) == [3]


def test_points_lie_between_the_ticks_of_their_values(run):
    """The values are read from the drawing, by interpolating between ticks."""
    for panel in run.panels:
        across, up = (
            [(float(tick.label), tick.position) for tick in ticks] for ticks in (panel.x_ticks, panel.y_ticks)
        )
        for line in panel.curves:
            drawn_points = [point for segment in line.segments for point in segment]
            read = [(ruled(across, x), ruled(up, y)) for x, y in drawn_points]
            np.testing.assert_allclose(read, line.values, rtol=2e-3, atol=1e-6)
            assert all(0 <= x <= 320 and 0 <= y <= 200 for x, y in drawn_points)


def ruled(ticks, at):
    (low, start), (high, end) = ticks[0], ticks[-1]
    return low + (at - start) / (end - start) * (high - low)


def test_the_best_test_accuracy_is_marked_and_written(run, section):
    assert [line.best is not None for panel in run.panels for line in panel.curves] == [
        False,
        False,
        False,
        True,
        False,
    ]
    assert run.panels[1].curves[1].best == run.panels[1].curves[1].segments[0][1]
    assert "The best test accuracy is 0.6200 , after epoch 2; the last test accuracy is 0.6000." in section.text
    assert "3 of 4 epochs in 1:15, from random weights" in section.text


def test_the_numbers_are_a_table_too(section):
    head, *rows = table(section, "epoch")
    assert head[:3] == ["epoch", "loss", "test loss"]
    assert rows[1] == ["2", "–", "1.1000", "0.6000", "0.6200", "0.0005", "–"]  # noqa: RUF001


def test_drawings_have_a_title_and_a_description(section):
    assert section.tags.count("svg") == section.tags.count("title") == section.tags.count("desc") == 3
    assert "test 0.42 after epoch 1, 0.6 after epoch 3" in section.text


def test_the_recipe_is_all_its_settings_and_a_command(run, section):
    changed, settings = (rows[1:] for rows in section.tables if rows[0][0] == "setting")
    assert [row[:3] for row in changed] == [
        ["epochs", "4 (changed)", "20"],
        ["learning rate", "0.003 (changed)", "0.001"],
        ["flip", "yes (changed)", "no"],
    ]
    assert len(settings) == len(dataclasses.fields(Recipe))
    assert [row for row in settings if "changed" in row[1]] == changed
    assert ["optimizer", "adamw", "adamw"] in [row[:3] for row in settings]
    assert run.command == "zoo train --model tiny --dataset path/to/blocks --epochs 4 --learning-rate 0.003 --flip"


def test_the_command_gives_the_recipe(folder):
    config = replace(
        CONFIG,
        model="lenet5",
        dataset="it's mine",
        recipe=Recipe(fit="resize", flip=True, seed=7, learning_rate=0.0012345678),
    )
    program, command, *arguments = shlex.split(train_command(config))
    given = parser("train").parse_args(["train", *arguments])
    assert (program, command, given.dataset) == ("zoo", "train", "path/to/it's mine")
    assert replace(recipe_for("lenet5", "it's mine"), **given_fields(given, Recipe)) == config.recipe


@pytest.mark.parametrize(
    ("dataset", "changes"),
    [
        ("imagenet2012", {"learning_rate": 0.2, "rate_batch": 256}),
        ("imagenet2012", {"learning_rate": 0.2, "rate_batch": 0}),
        ("imagenet2012", {"crop": 0.0, "crop_sizes": "256-480"}),
        ("photographs", {"epochs": 30}),
    ],
)
def test_the_command_gives_the_recipe_of_imagenet(dataset, changes):
    recipe = recipe_for("resnet50", dataset, classes=1000, side=500)
    classes = tuple(f"class {number}" for number in range(1000))
    config = replace(
        CONFIG,
        model="resnet50",
        dataset=dataset,
        class_names=classes,
        recipe=replace(recipe, **changes),
        data=DataOrigin(),
    )
    given = parser("train").parse_args(shlex.split(train_command(config))[1:])
    usual = recipe if given.recipe is None else named_recipe(given.recipe)
    assert with_given(usual, given_fields(given, Recipe)) == config.recipe


def test_a_run_that_was_resumed_with_other_settings_says_so(run, folder, trained):
    config = replace(CONFIG, earlier=(EarlierRecipe(until_step=20, recipe=replace(CONFIG.recipe, epochs=2)),))
    changed = replace(run, config=config, changes=tuple(describe_changes(config)))
    assert "after step 20: epochs 4 (before: 2)" in rendered("run/run.html.j2", run=changed).text
    assert "resumed" not in rendered("run/run.html.j2", run=run).text


def test_names_are_escaped(section):
    assert "script" not in section.tags and "<script>alert(1)</script>" in section.text


@pytest.mark.parametrize("image_set", [None, ImageSet(IMAGE_SET.source, "others", class_names=("a", "b", "c", "d"))])
def test_without_images_of_its_classes_there_are_no_mistakes(folder, trained, image_set):
    run = run_section(folder, trained, image_set)
    section = rendered("run/run.html.j2", run=run)
    assert run.confusion is None and not run.mistakes and not section.images
    assert [rows[0][0] for rows in section.tables] == ["epoch", "setting", "setting"]


def test_a_run_without_evaluations_shows_its_recipe(tmp_path, trained):
    run_folder = RunFolder(tmp_path / "new")
    run_folder.start(CONFIG)
    section = rendered("run/run.html.j2", run=run_section(run_folder.path, trained, None))
    assert "0 of 4 epochs, from random weights" in section.text and "svg" not in section.tags


def test_a_folder_without_a_run_is_refused(tmp_path, trained):
    with pytest.raises(zoo.errors.ZooError, match=r"no training run in .* has no config\.json"):
        run_section(tmp_path, trained, None)
