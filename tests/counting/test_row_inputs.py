"""The inputs of each row, compared with the papers' figures of the networks."""

import flax.linen as nn

import zoo
from zoo.counting.row_inputs import row_inputs
from zoo.counting.summarize import summarize_graph, trace_network
from zoo.kernels.broadcast import multiply_broadcast


def summary_and_inputs(name):
    model = zoo.create_model(name)
    graph = trace_network(model, (1, *model.image_shape))
    return summarize_graph(type(model).__name__, graph), row_inputs(graph)


def test_the_branches_of_an_inception_meet_in_its_concatenation():
    summary, inputs = summary_and_inputs("googlenet")
    join = next(i for i, row in enumerate(summary.rows) if (row.path, row.operation) == ("inception_3a", "concatenate"))
    # Table 1 of the paper.
    assert [one.shape[-1] for one in inputs[join]] == [64, 128, 32, 32]
    assert [summary.rows[one.row].path for one in inputs[join]] == [
        f"inception_3a/{name}" for name in ("1x1", "3x3", "5x5", "pool_proj")
    ]


def test_the_first_row_reads_the_image():
    _, inputs = summary_and_inputs("lenet5")
    assert [(one.row, one.shape) for one in inputs[0]] == [(None, (1, 32, 32, 1))]


def test_a_residual_block_adds_its_input():
    summary, inputs = summary_and_inputs("resnet18")
    add = next(i for i, row in enumerate(summary.rows) if (row.path, row.operation) == ("conv2_2", "add"))
    assert {summary.rows[one.row].path for one in inputs[add]} == {"conv2_1", "conv2_2/stochastic_depth"}


def test_rows_follow_what_they_read():
    """The second gate is taken from the softmax after the first branch has been multiplied by the first one."""

    class TwoGates(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.Conv(3, (1, 1))(x)
            gates = nn.softmax(nn.Dense(6)(x.mean((1, 2))).reshape(-1, 2, 3), axis=1)
            first, second = (multiply_broadcast(x, gates[:, i, None, None, :]) for i in range(2))
            return first + second

    inputs = row_inputs(trace_network(TwoGates(), (1, 8, 8, 3)))
    assert len(inputs[-1]) == 2
    assert all(one.row is None or one.row < index for index, row in enumerate(inputs) for one in row)
