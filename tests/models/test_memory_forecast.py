"""The least memory of a batch: below what XLA reserves, and refused before anything is compiled."""

import jax
import jax.numpy as jnp
import pytest

import zoo
from zoo.models import memory_forecast
from zoo.models.memory_forecast import (
    activations,
    check_array_memory,
    check_inference_memory,
    check_training_memory,
    variables_bytes,
)
from zoo.models.variables import init_shapes
from zoo.runtime import free_memory

SHAPE = (64, 64, 3)


@pytest.fixture
def free(monkeypatch):
    """Sets how many bytes are free."""

    def set_free(size):
        for name in ("device_memory", "host_memory"):
            monkeypatch.setattr(memory_forecast, name, lambda: size)

    return set_free


def reserved(compiled):
    memory = compiled.memory_analysis()
    return memory.temp_size_in_bytes + memory.argument_size_in_bytes + memory.output_size_in_bytes


@pytest.mark.parametrize("name", ["squeezenet1_1", pytest.param("resnet18", marks=pytest.mark.slow)])
def test_the_forecast_is_below_what_xla_reserves_and_near_it(name):
    model, batch = zoo.create_model(name), 16
    shapes = init_shapes(model, SHAPE)
    images = jax.ShapeDtypeStruct((batch, *SHAPE), jnp.float32)

    def loss(params, rest, images, key):
        variables = {"params": params, **rest}
        logits, updated = model.apply(variables, images, train=True, rngs={"dropout": key}, mutable=["batch_stats"])
        return logits.var(), updated

    rest = {name: part for name, part in shapes.items() if name != "params"}
    key = jax.eval_shape(lambda: jax.random.key(0))
    step = jax.jit(jax.grad(loss, has_aux=True)).lower(shapes["params"], rest, images, key).compile()
    least = 4 * batch * activations(model, SHAPE, training=True) + 2 * variables_bytes(model, SHAPE)
    assert 0.5 * reserved(step) < least < reserved(step)
    forward = jax.jit(model.apply).lower(shapes, images).compile()
    least = 4 * batch * activations(model, SHAPE, training=False) + variables_bytes(model, SHAPE)
    assert 0.5 * reserved(forward) < least < reserved(forward)


def test_what_does_not_fit_is_one_line(free):
    model = zoo.create_model("lenet5")
    free(10**9)
    check_training_memory(model, (32, 32, 1), 64)
    for check, batch, shape in (
        (check_training_memory, 10**5, (32, 32, 1)),
        (check_training_memory, 64, (1000, 1000, 1)),
        (check_inference_memory, 10**6, (32, 32, 1)),
        (check_inference_memory, 64, (2000, 2000, 1)),
    ):
        with pytest.raises(zoo.ZooError, match=rf"LeNet5 takes at least .* GB of memory for {batch} images") as error:
            check(model, shape, batch)
        assert "1.0 GB are free" in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(zoo.ZooError, match=r"100 images take 2.0 GB of memory, and 1.0 GB are free"):
        check_array_memory("100 images", 2 * 10**9)


def test_a_small_batch_is_not_traced(free, monkeypatch):
    monkeypatch.setattr(memory_forecast, "trace_init", None)
    monkeypatch.setattr(memory_forecast, "variables_bytes", None)
    free(10**10)
    check_training_memory(zoo.create_model("resnet50"), (32, 32, 3), 128)
    free(None)
    check_training_memory(zoo.create_model("resnet50"), (10**4, 10**4, 3), 128)


def test_half_precision_and_remat_take_less(free):
    model, batch = zoo.create_model("convnext_tiny"), 1000
    free(4 * batch * (activations(model, SHAPE, training=True) - 1))
    with pytest.raises(zoo.ZooError):
        check_training_memory(model, SHAPE, batch)
    check_training_memory(model, SHAPE, batch, "bfloat16")
    check_training_memory(model.clone(remat=True), SHAPE, batch)


def test_free_memory_of_this_machine(tmp_path, monkeypatch):
    assert 10**7 < free_memory.host_memory() < 10**14
    assert free_memory.device_memory() == pytest.approx(free_memory.host_memory() / jax.local_device_count(), rel=0.5)
    limit = tmp_path / "memory.max"
    limit.write_text("1000000\n")
    monkeypatch.setattr(free_memory, "CONTROL_GROUP_LIMIT", limit)
    assert free_memory.host_memory() == 10**6
    # Where there is no /proc.
    limit.write_text("max\n")
    monkeypatch.setattr(free_memory, "MEMORY_INFO", tmp_path / "none")
    assert free_memory.host_memory() > 10**7
