"""What each row reads, against the networks' own plans."""

import zoo
from zoo.counting.row_inputs import wiring
from zoo.counting.summarize import summary_of, traced


def wired(name):
    model = zoo.create_model(name)
    graph = traced(model, (1, *model.image_shape))
    return summary_of(type(model).__name__, graph), wiring(graph)


def test_the_branches_of_an_inception_meet_in_its_concatenation():
    summary, inputs = wired("googlenet")
    join = next(i for i, row in enumerate(summary.rows) if (row.path, row.operation) == ("inception_3a", "concatenate"))
    # Table 1 of the paper.
    assert [one.shape[-1] for one in inputs[join]] == [64, 128, 32, 32]
    assert [summary.rows[one.row].path for one in inputs[join]] == [
        f"inception_3a/{name}" for name in ("1x1", "3x3", "5x5", "pool_proj")
    ]


def test_the_first_row_reads_the_image():
    _, inputs = wired("lenet5")
    assert [(one.row, one.shape) for one in inputs[0]] == [(None, (1, 32, 32, 1))]


def test_a_residual_block_adds_what_went_round_it():
    summary, inputs = wired("resnet18")
    add = next(i for i, row in enumerate(summary.rows) if (row.path, row.operation) == ("conv2_2", "add"))
    assert {summary.rows[one.row].path for one in inputs[add]} == {"conv2_1", "conv2_2/stochastic_depth"}
