"""The training loop waits for a copy of the state, and not for the file system; what is saved is that copy."""

import shutil
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from orbax.checkpoint import v1 as ocp
from short_runs import final_state, run, with_recipe

from zoo.runtime.mesh import data_mesh, replicated
from zoo.training import feed
from zoo.training.checkpoint import state_copy
from zoo.training.checkpoint.background import in_background
from zoo.training.checkpoint.state_copy import StateCopier, bytes_per_device, has_room

# Far longer than the steps take that are awaited.
PATIENCE = 60


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("saves") / "whole"
    run(path, config=with_recipe(epochs=2))
    return path


@pytest.fixture
def writer(monkeypatch):
    """Calls this before a checkpoint's arrays are written, with its step and its arrays."""
    called = []

    def save(self, step, checkpointables, *args, save=ocp.training.Checkpointer.save_checkpointables_async, **kwargs):
        for function in called:
            function(step, checkpointables["state"])
        return save(self, step, checkpointables, *args, **kwargs)

    monkeypatch.setattr(ocp.training.Checkpointer, "save_checkpointables_async", save)
    return called.append


def test_steps_are_taken_while_a_slow_file_system_writes_and_do_not_change_what_is_saved(
    tiny, whole, tmp_path, writer, monkeypatch
):
    later_step, waited = threading.Event(), []

    def inputs(self, step, inputs=feed.Streamed.inputs):
        if step == 7:
            later_step.set()
        return inputs(self, step)

    # Step 4 is written only after three more steps have donated the state's memory.
    writer(lambda step, state: waited.append(later_step.wait(PATIENCE)))
    monkeypatch.setattr(feed.Streamed, "inputs", inputs)
    assert run(tmp_path / "run", config=with_recipe(epochs=2)).step == 8
    assert waited == [True, True]
    for step in (4, 8):
        jax.tree.map(np.testing.assert_array_equal, final_state(tmp_path / "run", step), final_state(whole, step))


@pytest.mark.slow
def test_where_devices_have_no_room_the_copy_is_in_the_memory_of_the_host(tiny, whole, tmp_path, writer, monkeypatch):
    kinds = []
    writer(lambda step, state: kinds.extend(leaf.sharding.memory_kind for leaf in jax.tree.leaves(state)))
    monkeypatch.setattr(state_copy, "device_memory_used", lambda: 900)
    monkeypatch.setattr(state_copy, "device_memory", lambda: 1000)
    run(tmp_path / "run", config=with_recipe(epochs=2))
    assert set(kinds) == {"pinned_host"}
    shutil.rmtree(tmp_path / "run" / "steps" / "8")
    assert run(tmp_path / "run", resume=True).step == 8
    jax.tree.map(np.testing.assert_array_equal, final_state(tmp_path / "run"), final_state(whole))


def test_room_for_a_copy_is_a_question_of_numbers():
    assert has_room(10, used=80, limit=100)
    assert not has_room(11, used=80, limit=100)


def test_a_copy_has_its_own_memory_and_is_split_as_the_original():
    mesh = data_mesh(jax.device_count())
    split = NamedSharding(mesh, PartitionSpec("data"))
    tree = {
        "split": jax.device_put(jnp.arange(64 * jax.device_count(), dtype=jnp.float32), split),
        "whole": jax.device_put(jnp.ones(3, jnp.int32), replicated(mesh)),
        "key": jax.device_put(jax.random.key(7), replicated(mesh)),
    }
    assert bytes_per_device({name: tree[name] for name in ("split", "whole")}) == 64 * 4 + 3 * 4
    copy = StateCopier().copy(tree)
    for name, leaf in copy.items():
        assert leaf.sharding.is_equivalent_to(tree[name].sharding, leaf.ndim)
    before, after = ({s.data.unsafe_buffer_pointer() for s in one["split"].addressable_shards} for one in (tree, copy))
    assert not before & after
    np.testing.assert_array_equal(copy["split"], tree["split"])
    assert jnp.array_equal(jax.random.key_data(copy["key"]), jax.random.key_data(tree["key"]))


def test_what_a_thread_raises_is_raised_by_its_future():
    def failing():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        in_background(failing).result(PATIENCE)
    assert in_background(lambda: threading.current_thread().daemon).result(PATIENCE)
