"""--skip-unreadable of the commands that read folders, and the line about files that are left out."""

from argparse import ArgumentParser
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.commands.arguments.image_set import add_image_set_arguments, chosen_images
from zoo.data import DataError, DataOrigin, Preprocessing, UnreadableImages, open_dataset
from zoo.errors import ZooError
from zoo.inference.evaluation import evaluate
from zoo.models.variables import init_shapes
from zoo.visualize.network_and_images import index_in_data_set
from zoo.weights.files import Weights

PREPROCESSING = Preprocessing(image_shape=(32, 32, 1), mean=(0.5,), std=(0.5,))
NETWORK = SimpleNamespace(weights=SimpleNamespace(class_names=("a", "b"), dataset="pets", data=DataOrigin()))


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """Two classes with six test images each; the first of class a and the fourth of class b cannot be read."""
    folder = tmp_path_factory.mktemp("data") / "pets"
    for split in ("train", "val"):
        for value, name in enumerate("ab"):
            (folder / split / name).mkdir(parents=True)
            for i in range(6):
                Image.new("L", (9, 9), 100 * value + i).save(folder / split / name / f"{i}.png")
    (folder / "val" / "a" / "0.png").write_bytes(b"")
    (folder / "val" / "b" / "3.png").write_bytes((folder / "val" / "b" / "2.png").read_bytes()[:50])
    (folder / "val" / "b" / "3.mov").write_bytes(b"")
    return folder


def arguments(*given):
    parser = ArgumentParser()
    add_image_set_arguments(parser)
    return parser.parse_args(map(str, given))


def test_figures_show_the_images_that_can_be_read(pets, capsys):
    image_set = chosen_images(arguments("--dataset", pets, "--skip-unreadable", 2), NETWORK, None)
    assert [image_set.source[i]["image"][0, 0, 0] for i in range(len(image_set))] == [
        1,
        2,
        3,
        4,
        5,
        100,
        101,
        102,
        104,
        105,
    ]
    assert [index_in_data_set(image_set.source, i) for i in (0, 8)] == [1, 10]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "1 .mov" in lines[0] and "2 images were left out" in lines[1]
    assert chosen_images(arguments("--dataset", pets, "--skip-unreadable", 2), NETWORK, 2).names == (
        "image 1: a",
        "image 6: b",
    )
    with pytest.raises(DataError, match=r"val/b/3\.png.*--skip-unreadable 2"):
        chosen_images(arguments("--dataset", pets, "--skip-unreadable", 1), NETWORK, None)


def test_what_the_training_left_out_is_left_out_without_being_asked_for(pets):
    of_run = SimpleNamespace(
        weights=SimpleNamespace(**{**vars(NETWORK.weights), "data": DataOrigin(skip_unreadable=2)})
    )
    assert len(chosen_images(arguments("--dataset", pets), of_run, None)) == 10


@pytest.mark.parametrize("rows", [None, 2])
def test_an_unreadable_image_is_said_with_what_leaves_it_out(pets, rows):
    images = None
    with pytest.raises(DataError, match=r"val/a/0\.png.*--skip-unreadable 1"):
        images = chosen_images(arguments("--dataset", pets, "--limit", 3), NETWORK, rows)
        assert [index_in_data_set(images.source, i) for i in range(3)] == [0, 4, 8]
        images.source[0]


def test_folders_of_images_too(pets, capsys):
    image_set = chosen_images(arguments("--images", pets / "val", "--skip-unreadable", 2), NETWORK, None)
    assert image_set.names == ("1.png", "2.png", "3.png", "4.png", "5.png", "0.png", "1.png", "2.png", "4.png", "5.png")
    assert image_set.source[5]["image"][0, 0, 0] == 100 and "2 images were left out" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"val/a/0\.png.*--skip-unreadable 1"):
        chosen_images(arguments("--images", pets / "val"), NETWORK, None)
    with pytest.raises(ZooError, match="none of the images"):
        chosen_images(arguments("--images", pets / "val" / "a" / "0.png", "--skip-unreadable", 9), NETWORK, None)


def test_an_evaluation_counts_the_images_that_can_be_read(pets):
    shapes = init_shapes(zoo.create_model("lenet5", num_classes=2), PREPROCESSING.image_shape)
    weights = Weights(
        model="lenet5",
        variables=jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes),
        preprocessing=PREPROCESSING,
        fields={"num_classes": 2},
        class_names=("a", "b"),
    )
    data, unreadable = open_dataset(pets), UnreadableImages(2)
    result = evaluate(weights, data, batch_size=4, unreadable=unreadable)
    # Equal logits: the first class is the prediction.
    assert result.confusion.tolist() == [[5, 0], [5, 0]] and unreadable.count == 2
    with pytest.raises(DataError, match=r"val/a/0\.png"):
        evaluate(weights, data, batch_size=4)
