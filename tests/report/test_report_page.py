"""The page as text: its numbers, that it loads nothing, that names are escaped."""

import base64
import re
import time
from dataclasses import replace

import flax.linen as nn
import numpy as np
import pytest
from sections import Section

import zoo
from zoo.counting.paper_tables import PAPER_TABLES
from zoo.errors import ZooError
from zoo.report import gallery, report, write_report
from zoo.report.architecture.blocks import MAX_LAYERS, divide_into_blocks, group_into_stages
from zoo.report.architecture.branch_layout import lay_out_branches
from zoo.report.architecture.comparison import format_ratio
from zoo.report.architecture.description import describe_network
from zoo.report.architecture.diagram import draw_stage
from zoo.report.architecture.paper import paper_figures
from zoo.report.html.script_data import script_data
from zoo.report.layers.counted_network import count_network
from zoo.visualize.methods.receptive_boxes import receptive_boxes

EVIL = '<script>alert("1")</script>'


@pytest.fixture(scope="module")
def lenet():
    return report("lenet5")


def parts(name):
    model = zoo.create_model(name)
    network = count_network(name, model, model.image_shape)
    return network, divide_into_blocks(network)


@pytest.fixture(scope="module")
def googlenet():
    """The page, and the seconds it took."""
    began = time.perf_counter()
    return report("googlenet"), time.perf_counter() - began


def test_it_is_small_and_made_in_seconds(googlenet):
    page, seconds = googlenet
    assert seconds < 15
    assert len(page.encode()) < 1_000_000


def test_the_same_network_gives_the_same_page(lenet):
    assert report("lenet5") == lenet


@pytest.mark.parametrize("media_type, text", [("application/json", "to_json"), ("text/csv", "to_csv")])
def test_the_numbers_to_download_are_those_of_count(lenet, media_type, text):
    summary = zoo.count.summarize(zoo.create_model("lenet5"), (1, 32, 32, 1))
    encoded = re.search(rf'href="data:{media_type};charset=utf-8;base64,([^"]+)"', lenet).group(1)
    assert base64.b64decode(encoded).decode().strip() == getattr(summary, text)()


def test_nothing_is_loaded(lenet):
    sources = re.findall(r'(?:src|data|srcset|action)="([^"]*)"', lenet) + re.findall(r"url\(([^)]*)\)", lenet)
    assert all(source.startswith("data:") for source in sources)
    assert re.findall(r"<link[^>]*>", lenet) == ['<link rel="icon" href="data:,">']
    assert "@import" not in lenet
    # The browser enforces it too.
    assert "default-src 'none'" in lenet


def test_the_tables_have_the_numbers_of_count(googlenet):
    page = Section(googlenet[0])
    rows = [row for row in page.tables[0] if len(row) == 7]
    summary = zoo.count.summarize(zoo.create_model("googlenet"), (1, 224, 224, 3))
    total = rows[-1]
    assert (total[3], total[4]) == (f"{summary.parameters:,}", f"{summary.macs:,}")
    inception = next(row for row in rows if row[0] == "inception_3a")
    # Szegedy et al. 2014, Table 1: 159K parameters, 128M operations; counted with biases.
    assert inception[1] == "6 layers with weights"
    assert inception[3].startswith("163,696")
    assert inception[4].startswith("128,049,152")
    assert "weights 159K" in inception[6]


@pytest.mark.parametrize("name", ["googlenet", "densenet121", "vgg16"])
def test_each_layer_is_in_one_block_in_its_order(name):
    network, found = parts(name)
    assert [layer for block in found for layer in block.layers] == list(network.layers)
    assert max(len(block.layers) for block in found) <= MAX_LAYERS
    assert [block for stage in group_into_stages(found) for block in stage.blocks] == list(found)


def test_an_inception_has_four_branches():
    _, found = parts("googlenet")
    module = lay_out_branches(next(block for block in found if block.name == "inception_3a"))
    first = [node for node in module.nodes if node.inputs == (-1,)]
    assert [node.lane for node in first] == [0, 1, 2, 3]
    (end,) = module.ends
    assert len(module.nodes[end].inputs) == 4


def test_a_branch_that_divides_again_has_two_lanes():
    _, found = parts("inception_v3")
    module = lay_out_branches(next(block for block in found if block.name == "mixed_7b"))
    # The paper's Figure 7: four branches, two of which end in a 1x3 and a 3x1.
    assert len([node for node in module.nodes if node.inputs == (-1,)]) == 4
    assert module.lanes == 6


def test_equal_blocks_are_drawn_once():
    _, found = parts("resnet152")
    counts = {drawing.first.name: drawing.count for stage in group_into_stages(found) for drawing in draw_stage(stage)}
    # He et al. 2015, Table 1: 3, 8, 36 and 3 blocks, the first of each with another input.
    assert (counts["conv3_2"], counts["conv4_2"]) == (7, 35)


def test_the_papers_figures_are_shown_at_their_blocks():
    network, found = parts("resnet50")
    table = paper_figures("resnet50", network, found)
    outputs = {block.name: [f.published for f in table.of_block(block)] for block in found if table.of_block(block)}
    assert outputs == {"conv1": ["112x112"], "conv2_3": ["56x56"], "conv3_4": ["28x28"], "conv4_6": ["14x14"]} | {
        "conv5_3": ["7x7"]
    }


@pytest.mark.parametrize("name", ["googlenet", "lenet5_1998"])
def test_deviations_with_a_note_are_no_alarm(name):
    """All that deviates from these papers by 2% and more is known (zoo/counting/paper_tables.py)."""
    table = paper_figures(name, *parts(name))
    grades = {figure.deviation: figure.grade for row in table.rows for figure in row.figures}
    assert {"−70.6%": "noted", "+150.0%": "noted"}.items() & grades.items()
    assert table.grades <= {"equal", "slight", "noted"}


def test_a_deviation_without_a_note_is_graded_by_its_size(monkeypatch):
    (row,) = (row for row in PAPER_TABLES["googlenet"].rows if row.label == "convolution 7x7/2")
    table = replace(PAPER_TABLES["googlenet"], rows=(replace(row, note=""),))
    monkeypatch.setattr("zoo.report.architecture.paper.PAPER_TABLES", {"googlenet": table})
    assert paper_figures("googlenet", *parts("googlenet")).grades == {"equal", "off"}


def test_a_script_in_a_name_is_escaped():
    page = report(zoo.create_model("lenet5"), name=EVIL, compare="lenet5", compare_name=EVIL, image_name=EVIL)
    assert EVIL not in page
    assert "&lt;script&gt;alert" in page
    assert page.count("<script") == 2


def test_a_script_as_a_modules_name_is_escaped():
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Conv(4, (3, 3), name="</script><script>alert(1)")(x)

    page = report(Net(), image_shape=(8, 8, 1))
    assert "<script>alert" not in page
    assert page.count("<script") == 2


def test_the_fields_are_those_of_receptive_boxes():
    model = zoo.create_model("googlenet")
    positions = np.array([[0, 0], [3, 11], [27, 27]])
    boxes = receptive_boxes(model, (224, 224, 3), "inception_3a/5x5", positions)
    layers = count_network("googlenet", model, (224, 224, 3)).layers
    data = script_data(describe_network("googlenet", model, (224, 224, 3)))["layers"]
    field = next(data[layer.index]["field"] for layer in layers if layer.row.path == "inception_3a/5x5/conv")
    assert field["positions"] == (28, 28)
    for axis, (start, size, step) in enumerate(field["axes"]):
        np.testing.assert_array_equal(start + positions[:, axis] * step, boxes[:, axis])
        np.testing.assert_array_equal(boxes[:, axis + 2] - boxes[:, axis], size)


def test_two_networks_stand_side_by_side():
    page = Section(report("lenet5", compare="lenet5_1998"))
    totals = {row[0]: row[1:] for row in page.tables[0]}
    assert totals["parameters"] == ["61,706", "60,000", "0.972"]
    assert totals["multiply-adds"] == ["416,520", "415,680", "0.998"]


def test_ratios_have_three_digits():
    """VGG-16 has 138,357,544 parameters (Simonyan and Zisserman 2014: 138 million) and LeNet-5 61,706."""
    ratios = {0.000446: "0.000446", 138_357_544 / 61_706: "2,242", 1: "1.00", 0.9996: "1.000", 12.34: "12.3", 0: "0"}
    assert {ratio: format_ratio(ratio) for ratio in ratios} == ratios


class Bottlenecks(nn.Module):
    """DenseNet-121's dense_block1/layer4 (Huang et al. 2017, Table 1), and one that saves multiply-adds."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(32, (3, 3))(nn.Conv(128, (1, 1))(x))
        return nn.Conv(64, (3, 3))(nn.Conv(8, (1, 1))(x))


def test_a_bottleneck_that_costs_more_has_a_note():
    page = report(Bottlenecks(), image_shape=(8, 8, 160))
    (table,) = (table for table in Section(page).tables if table[0][0] == "layers")
    # 32 * 9 * 160 over 128 * (160 + 9 * 32), and 64 * 9 * 32 over 8 * (32 + 9 * 64).
    assert [row[-1] for row in table] == ["ratio", "0.8", "3.8"]
    assert "the direct convolution is cheaper" in page


def test_a_given_image_is_the_sample_image():
    page = report("lenet5", image=np.full((40, 60, 3), 77, np.uint8), image_name="grey.png")
    assert "grey.png" in page
    assert "<td>77</td>" in page


def test_a_module_without_an_image_size_needs_one():
    with pytest.raises(ZooError, match=r"Conv .*give image_shape"):
        report(nn.Conv(2, (3, 3)))


def test_a_report_without_network_is_refused():
    with pytest.raises(ZooError, match="no network is given"):
        report()


def test_a_run_without_weights_is_refused(tmp_path):
    with pytest.raises(ZooError, match="run needs weights"):
        report("lenet5", run=tmp_path)


def test_an_array_that_is_no_image_is_refused():
    with pytest.raises(ZooError, match=r"uint8 \(3,\)"):
        report("lenet5", image=np.zeros(3, np.uint8))


def test_no_incomplete_file_is_left(tmp_path):
    with pytest.raises(ZooError, match="cannot write"):
        write_report(tmp_path / "no" / "page.html", "lenet5")
    with pytest.raises(ZooError):
        write_report(tmp_path / "page.html", "lenet50")
    assert list(tmp_path.iterdir()) == []


def test_a_gallery_links_to_its_reports(tmp_path, capsys):
    assert gallery.main(["lenet5", "lenet5_1998", "--out", str(tmp_path / "new")]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"lenet5.html", "lenet5_1998.html", "index.html"}
    index = (tmp_path / "new" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<a href="([^"]*)"', index) == ["lenet5.html", "lenet5_1998.html"]
    assert "61,706 parameters" in index


def test_a_gallery_with_an_unknown_network_writes_nothing(tmp_path, capsys):
    assert gallery.main(["lenet5", "lenet6", "--out", str(tmp_path / "new")]) == 2
    assert "unknown model 'lenet6'" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert gallery.main(["lenet5", "--out", str(tmp_path / "file")]) == 2
    assert "cannot make the folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
