"""python -m zoo visualize, on a short run of LeNet-5 and its data set."""

import argparse
import dataclasses
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from command_line import error_of
from PIL import Image
from quick import drawn
from safetensors import safe_open
from safetensors.numpy import save_file

import zoo
from zoo.__main__ import main
from zoo.commands.arguments.image_set import chosen_images
from zoo.data import Preprocessing
from zoo.models.variables import init_shapes
from zoo.visualize.network_and_images import TrainedNetwork, default_layers, default_rule
from zoo.visualize.sheets.class_sheets import explain_images
from zoo.visualize.sheets.sheet_plan import plan_sheets
from zoo.weights import Weights, save

PREPROCESSING = Preprocessing(image_shape=(32, 32, 1), mean=(0.4,), std=(0.2,))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The current directory, with two photographs."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for index in range(2):
        pixels = np.random.default_rng(index).integers(0, 256, (40, 50, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    return tmp_path


def weights_file(path, model="lenet5", dataset="", **fields):
    variables = drawn(zoo.create_model(model, **fields), PREPROCESSING.image_shape)
    save(path, Weights(model=model, variables=variables, preprocessing=PREPROCESSING, fields=fields, dataset=dataset))
    return str(path)


class Captions(HTMLParser):
    """The captions of an index."""

    def __init__(self, page):
        super().__init__()
        self.found, self._inside = [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self._inside = tag == "figcaption" or (self._inside and tag == "a")
        if tag == "figcaption":
            self.found.append("")

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "figcaption"

    def handle_data(self, data):
        if self._inside:
            self.found[-1] += data


def visualized(capsys, *arguments):
    """{sheet's name: caption} of a run; the printed files are all files of the folder, valid and in the index."""
    # At the usual 150 dots per inch Matplotlib takes most of the time.
    assert main(["visualize", *map(str, arguments), "--dpi", "50", "--out", "out"]) == 0
    captured = capsys.readouterr()
    assert all(line.startswith(("zoo: data: ", "zoo: weights: ")) for line in captured.err.splitlines())
    paths = captured.out.split()
    assert sorted([*paths, "out/index.json"]) == sorted(map(str, Path("out").iterdir()))
    assert paths[-1] == "out/index.html"
    page = Path("out/index.html").read_text()
    names = re.findall(r'<figure id="([^"]+)">', page)
    assert sorted(paths[:-1]) == sorted(f"out/{name}.{end}" for name in names for end in ("png", "pdf"))
    for name in names:
        with Image.open(f"out/{name}.png") as image:
            image.load()
            assert min(image.size) > 50 and max(image.size) < 8000
            assert len(np.unique(np.asarray(image.convert("L")))) > 20
        pdf = Path(f"out/{name}.pdf").read_bytes()
        assert pdf.startswith(b"%PDF-") and len(pdf) < 5e6
    assert "zoo visualize" in unescape(page)
    return dict(zip(names, Captions(page).found, strict=True))


def test_with_nothing_but_a_checkpoint(capsys, short_run):
    """LeNet-5 has three stages; the data set was a folder, which lies where --data-dir says."""
    made = visualized(capsys, "--checkpoint", short_run.folder, "--data-dir", short_run.data.parent)
    assert list(made) == ["deconvnet-c1", "deconvnet-c3", "deconvnet-c5"]
    for layer in ("c1", "c3", "c5"):
        caption = made[f"deconvnet-{layer}"]
        for part in (
            "lenet5",
            "best checkpoint of run",
            "squares",
            "test images",
            f"layer {layer}",
            "mid-grey is zero",
        ):
            assert part in caption
    assert "5x5 pixels that an activation sees" in made["deconvnet-c1"]
    assert "may depend on all of the image" in made["deconvnet-c5"]


def test_with_nothing_but_a_file_that_names_its_data_set(capsys, here, short_run):
    """As the networks in checkpoints/ do."""
    file = weights_file(here / "a.safetensors", dataset=short_run.data.name, num_classes=3)
    data = ("--data-dir", short_run.data.parent)
    made = visualized(capsys, "--checkpoint", file, *data, "--layers", "c1")
    assert "lenet5, weights a.safetensors; squares, 18 test images; layer c1" in made["deconvnet-c1"]
    same = visualized(capsys, "--weights", file, "--model", "lenet5", *data, "--layers", "c1")
    (one,), (other,) = ({caption.partition("PDF")[0] for caption in found.values()} for found in (made, same))
    assert one == other


def test_a_second_command_keeps_the_first_ones_sheets(capsys, short_run):
    visualized(capsys, "--checkpoint", short_run.folder, "--method", "filters")
    command = ["visualize", "--checkpoint", str(short_run.folder), "--out", "out", "--method", "filters"]
    assert main([*command, "--layers", "c3"]) == 0
    page = unescape(Path("out/index.html").read_text())
    assert re.findall(r'<figure id="([^"]+)">', page) == ["filters-c1-conv", "filters-c3"]
    assert page.count("--method filters") == 2 and page.count("--layers c3") == 1
    Path("out/index.json").write_text("[3]")
    capsys.readouterr()
    assert "out/index.json: [0] is 3" in error_of(capsys, *command)


def test_photographs_have_a_row_each(capsys, short_run):
    made = visualized(capsys, "--checkpoint", short_run.folder, "--images", "photos", "--layers", "c3", "--units", 5, 0)
    assert list(made) == ["deconvnet-c3"]
    for part in ("0.png, 1.png", "units given with --units", "Middle: the strongest activation of each unit"):
        assert part in made["deconvnet-c3"]


def test_photographs_are_cut_once(capsys, here):
    cut = dataclasses.replace(PREPROCESSING, crop=0.5)
    variables = drawn(zoo.create_model("lenet5"), PREPROCESSING.image_shape)
    weights = Weights(model="lenet5", variables=variables, preprocessing=cut)
    image_set = chosen_images(
        argparse.Namespace(images=["photos"], dataset=None, limit=None, skip_unreadable=0), None, None
    )
    images = [np.asarray(Image.open(here / "photos" / f"{i}.png")) for i in range(2)]
    explained = explain_images(TrainedNetwork(weights, ""), image_set, None)
    np.testing.assert_array_equal(explained.pixels, [cut.fitted(image) for image in images])
    assert image_set.names == ("0.png", "1.png") and image_set.source[1]["label"] == -1


def test_few_images_of_a_data_set(capsys, short_run):
    arguments = ("--checkpoint", short_run.folder, "--dataset", short_run.data, "--limit", 4, "--layers", "c1")
    made = visualized(capsys, *arguments, "--method", "gradient", "--units", 2)
    assert "squares, 4 of 18 test images" in made["gradient-c1"] and 'rule "gradient"' in made["gradient-c1"]
    assert "the unit's 4 strongest activations" in made["gradient-c1"]


# The sheet of each method, and a part of its caption.
METHODS = {
    "filters": ("filters-c1-conv", "filters of 5x5 of layer c1/conv, all 6 units"),
    "filters --layers c3": ("filters-c3", "first 6 of 6 inputs"),
    "activations --layers c3": ("activations-c3", "All maps of an image have the same scale"),
    "occlusion": ("occlusion-c3", "A square of the mean colour"),
    "saliency": ("saliency", "the most probable class, with its probability above"),
    "smoothgrad --units 1": ("smoothgrad", "the class given with --units, with its probability above"),
    "integrated_gradients": ("integrated_gradients", "Each pixel's contribution to the class's logit"),
    "grad_cam": ("grad_cam-c3", "each image has its own scale"),
    "randomize": ("randomize", "does not show what the network has learned"),
    "maximize --steps 3": ("maximize-logits", "in 3 steps of Adam (seed 0)"),
    "maximize --steps 2 --layers c3 --units 1": ("maximize-c3", "layer c3; no data set"),
}


@pytest.mark.parametrize("given", METHODS)
def test_each_method_has_its_sheet(capsys, short_run, given):
    method, *options = given.split()
    images = () if method in ("filters", "maximize") else ("--images", "photos/0.png")
    made = visualized(capsys, "--checkpoint", short_run.folder, "--method", method, *images, *options)
    name, part = METHODS[given]
    assert list(made) == [name]
    assert part in made[name] and "lenet5, best checkpoint of run" in made[name]


def test_one_image_of_each_class_of_a_data_set(capsys, short_run):
    made = visualized(capsys, "--checkpoint", short_run.folder, "--dataset", short_run.data, "--method", "grad_cam")
    assert "squares, test images" in made["grad_cam-c3"]


def test_weights_without_a_classifier_can_be_looked_at(capsys):
    made = visualized(capsys, "--weights", weights_file("body.safetensors", num_classes=0), "--method", "filters")
    assert "weights body.safetensors" in made["filters-c1-conv"]


def network(name):
    network = zoo.create_model(name)
    info = zoo.model_info(name)
    shown = Preprocessing(image_shape=network.image_shape, mean=info.mean, std=info.std)
    variables = init_shapes(network, network.image_shape)
    return TrainedNetwork(Weights(model=name, variables=variables, preprocessing=shown), name)


@pytest.mark.parametrize(
    ("name", "rule", "why"),
    [
        ("vgg11", "deconvnet", ""),
        ("resnet18", "guided", "only one max pool"),
        ("mobilenet_v1", "guided", "no max pool"),
    ],
)
def test_networks_with_few_max_pools_have_guided(name, rule, why):
    found = default_rule(network(name))
    assert found[0] == rule and why in found[1] and bool(why) == bool(found[1])


def test_layers_are_the_stages_in_depth_order():
    assert default_layers(network("googlenet")) == ["conv1", "conv2", "inception_3b", "inception_4e", "inception_5b"]
    assert default_layers(network("alexnet")) == ["conv1", "conv2", "conv5"]


# The arguments, and the parts that the message names.
ERRORS = {
    "--layers c9 --images photos": ("LeNet5", "'c9'", "did you mean c"),
    "--layers output --images photos": ("output of LeNet5", "no feature maps"),
    "--layers c3 c1 --units 7 --images photos": ("c1", "unit 7", "0 to 5"),
    "--method filters --layers c9": ("LeNet5", "'c9'", "did you mean c"),
    "--method filters --units 6": ("unit 6", "0 to 5"),
    "--method saliency --units 3 --images photos": ("class 3", "0 to 2"),
    "--method saliency --layers c3 --images photos": ("saliency", "--layers"),
    "--method randomize --layers c3 --images photos": ("randomize", "--layers"),
    "--method grad_cam --layers c9 --images photos": ("LeNet5", "'c9'"),
    "--method grad_cam --units 0 1 2 --images photos": ("3 classes", "2 images"),
    "--method maximize --units 5": ("output", "unit 5", "0 to 2"),
    "--images nowhere.png": ("nowhere.png", "No such file or directory"),
    "--images empty": ("no images", "empty"),
    "--images photos --dataset digits": ("--images", "--dataset"),
    "--dataset ./nowhere": ("'./nowhere'",),
    "--images photos --model vgg11": ("lenet5", "vgg11"),
}


@pytest.mark.parametrize("given", ERRORS)
def test_bad_input_is_one_line_and_nothing_is_written(capsys, short_run, here, given):
    (here / "empty").mkdir()
    arguments = ["--checkpoint", str(short_run.folder), *given.split(), "--out", "out"]
    message = error_of(capsys, "visualize", *arguments)
    assert all(part in message for part in ERRORS[given])
    assert not (here / "out").exists()


def test_other_weights_and_folders(capsys, here):
    (here / "file").write_text("")
    body, whole = (weights_file(here / f"{n}.safetensors", num_classes=n) for n in (0, 3))
    path = str(here / "path.safetensors")
    with safe_open(whole, "np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        save_file(arrays, path, {**file.metadata(), "dataset": '"../photos"'})
    errors = {
        ("--weights", whole): ("data set", "--images", "--dataset"),
        ("--weights", body, "--method", "occlusion", "--images", "photos"): ("no classifier",),
        ("--checkpoint", path): ("dataset", "../photos"),
        ("--checkpoint", "nowhere"): ("no training run", "nowhere"),
        ("--checkpoint", "nowhere.safetensors"): ("no file", "nowhere.safetensors"),
        ("--weights", whole, "--images", "photos", "--out", "file/a"): ("--out file/a", "file"),
        (): ("--model", "--weights", "--checkpoint"),
    }
    for given, parts in errors.items():
        message = error_of(capsys, "visualize", "--out", "out", *given)
        assert all(part in message for part in parts)
    assert not (here / "out").exists()


@pytest.mark.parametrize("dots", ["abc", "19", "601", "²", "1e2"])
def test_dots_an_inch_are_a_number_within_reason(dots, capsys):
    error = error_of(capsys, "visualize", "--model", "lenet5", "--out", "out", "--dpi", dots)
    assert f"--dpi: {dots!r} is not" in error and "from 20 to 600" in error


def test_a_layer_or_a_unit_given_twice_is_drawn_once():
    variables = drawn(zoo.create_model("lenet5"), PREPROCESSING.image_shape)
    network = TrainedNetwork(Weights(model="lenet5", variables=variables, preprocessing=PREPROCESSING), "lenet5")
    plan = plan_sheets(network, "maximize", ["c3", "c3"], [1, 0, 1])
    assert (plan.layers, plan.units) == (("c3",), (1, 0))
