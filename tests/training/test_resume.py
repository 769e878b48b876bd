"""A resumed run ends with the same bits as one that never stopped, including everything random."""

import signal

import jax
import numpy as np
import pytest
from short_runs import DATASET, final_state, measured_rows, run, with_recipe

from zoo.data import eval_batches
from zoo.runtime.mesh import data_mesh
from zoo.training import checkpoint_weights, feed, loop, state_split
from zoo.training.checkpoint.checkpoints import Checkpoints

pytestmark = pytest.mark.usefixtures("tiny")

# Batch norm and dropout are the network's.
EVERYTHING = {
    "shift": 2,
    "flip": True,
    "crop": 0.5,
    "trivial_augment": True,
    "erase": 0.5,
    "mixup": 0.2,
    "cutmix": 1.0,
    "ema": 0.9,
    "accumulate": 2,
    "clip_norm": 1.0,
    "label_smoothing": 0.1,
    "balance": True,
    "aux_heads": True,
    "optimizer": "muon",
    **{"schedule": "plateau", "plateau_metric": "test_error", "plateau_patience": 0},
}
# What takes longer to compile.
MORE = {
    **{"auto_augment": True, "randaugment": 9.0, "randaugment_std": 0.5, "augment_interpolation": "bilinear"},
    **{"color_jitter": 0.4, "erase_area": 0.33, "erase_noise": True, "mix_per_image": True, "repeats": 3},
}


@pytest.fixture
def stop_before(monkeypatch):
    """Sends SIGTERM before a step of the next run, counted from 0."""

    steps_to_stop = []
    for kind in (feed.Streamed, feed.Resident):

        def interrupting(self, step, inputs=kind.inputs):
            if step in steps_to_stop:
                steps_to_stop.remove(step)
                signal.raise_signal(signal.SIGTERM)
            return inputs(self, step)

        monkeypatch.setattr(kind, "inputs", interrupting)
    return steps_to_stop.append


@pytest.mark.parametrize("kind", ["resident", pytest.param("streamed", marks=pytest.mark.slow)])
def test_to_the_bit_with_everything_on(tmp_path, stop_before, kind):
    config = with_recipe(**EVERYTHING, **(MORE if kind == "streamed" else {}), feed=kind)
    run(tmp_path / "whole", config=config)
    stop_before(6)
    stopped = run(tmp_path / "run", config=config)
    assert (stopped.step, stopped.exit_code) == (7, 128 + signal.SIGTERM)
    # Streamed, it is stopped twice.
    if kind == "streamed":
        stop_before(9)
        assert run(tmp_path / "run", resume=True).step == 10
    assert run(tmp_path / "run", resume=True).step == 12
    jax.tree.map(np.testing.assert_array_equal, final_state(tmp_path / "run"), final_state(tmp_path / "whole"))
    assert measured_rows(tmp_path / "run") == measured_rows(tmp_path / "whole")


def test_a_checkpoint_with_the_position_of_the_feed_alone(tmp_path, stop_before, monkeypatch):
    def save(self, state, position, metrics=None, save=Checkpoints.save):
        save(self, state, position["feed"], metrics)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", save)
        stop_before(6)
        assert run(tmp_path / "run").step == 7
    assert run(tmp_path / "run", resume=True).step == 12


@pytest.mark.slow
@pytest.mark.parametrize("fsdp", [True, False])
def test_on_another_number_of_devices(tmp_path, stop_before, monkeypatch, fsdp):
    # Not Muon: its matrix iteration amplifies rounding to more than 1e-5.
    config = with_recipe(**{**EVERYTHING, "optimizer": "sgd"})
    run(tmp_path / "whole", config=config)

    # Else nothing of the small network would be split.
    monkeypatch.setattr(state_split, "MIN_SPLIT_BYTES", 256)

    def one_device(batch_size, fsdp):
        return jax.sharding.Mesh(np.array(jax.devices()[:1]), data_mesh(batch_size).axis_names)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "data_mesh", one_device)
        stop_before(4)
        assert run(tmp_path / "run", config=config).step == 5
    assert run(tmp_path / "run", resume=True, fsdp=fsdp).step == 12
    for name in ("params", "batch_stats", "average"):
        ours, theirs = final_state(tmp_path / "run")[name], final_state(tmp_path / "whole")[name]
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), ours, theirs)


def test_a_run_with_a_moving_average_is_evaluated_with_it(tmp_path):
    outcome = run(tmp_path / "run", config=with_recipe(ema=0.9))
    weights = checkpoint_weights(tmp_path / "run", 12)
    state = final_state(tmp_path / "run")
    jax.tree.map(np.testing.assert_array_equal, weights.variables["params"], state["average"]["params"])
    network = weights.network()
    (batch,) = eval_batches(DATASET.test, preprocessing=weights.preprocessing, batch_size=37)
    logits = network.apply(weights.variables, weights.preprocessing.normalized(batch["image"]))
    accuracy = float((np.asarray(logits).argmax(-1) == batch["label"]).mean())
    np.testing.assert_allclose(outcome.test_accuracy, accuracy, atol=1e-6)
