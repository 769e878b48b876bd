"""With --fsdp: what is split over how many devices, by hand, and steps on 6, 12, 24 and 48 simulated devices."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec
from test_plan import pod_plan

from zoo.runtime.mesh import batch_sharding, data_mesh, mesh_factors, split_by_images, split_over
from zoo.training.loss import cross_entropy
from zoo.training.plan.plan_lines import plan_lines
from zoo.training.row_major import row_major
from zoo.training.state_split import split_of_state, state_sharding


def shape(*dims):
    return jax.ShapeDtypeStruct(dims, np.float32)


PARAMS = {"conv": {"kernel": shape(3, 3, 64, 128), "bias": shape(128)}, "head": {"kernel": shape(1024, 1001)}}
CONV, BIAS, HEAD = 4 * 9 * 64 * 128, 4 * 128, 4 * 1024 * 1001


def split(devices):
    return split_of_state(PARAMS, {"params": PARAMS, "momentum": PARAMS}, devices)


def test_an_array_is_split_over_as_many_devices_as_divide_one_of_its_features():
    assert split(8).bytes_per_device == 2 * (CONV // 8 + BIAS + HEAD // 8) and split(8).partly == 0
    # 128 is divided by 2 of 6 devices, and by 16 of 48; the height of a kernel, which 3 divides, stays whole.
    assert split(6).bytes_per_device == 2 * (CONV // 2 + BIAS + HEAD // 2) and split(6).partly == 2
    assert split(48).bytes_per_device == 2 * (CONV // 16 + BIAS + HEAD // 16)
    # 1,001 is 7 times 143.
    assert (split(7).whole, split(7).partly, split(7).small) == (("conv/kernel",), 0, 1)
    assert split(5).whole == ("conv/kernel", "head/kernel") and split(5).bytes_per_device == split(5).state_bytes


def test_arrays_are_split_over_neighbours_and_small_ones_are_not():
    mesh = data_mesh(4, fsdp=True)
    two = {"even": shape(1, 1, 130, 198), "bias": shape(16_383), "large_bias": shape(16_384), "step": shape()}
    found = jax.tree.map(lambda one: one.spec, state_sharding(two, mesh))
    assert found == {
        "even": PartitionSpec(None, None, None, ("data1",)),
        "bias": PartitionSpec(),
        "large_bias": PartitionSpec(("data0", "data1")),
        "step": PartitionSpec(),
    }
    assert all(one.is_fully_replicated for one in jax.tree.leaves(state_sharding(two, data_mesh(4))))


def test_a_layer_whose_classes_are_split_has_one_gather():
    """That of its kernel. Neither the loss nor the gradient's order in memory makes another."""
    mesh = data_mesh(8, fsdp=True)
    kernel, images, labels = shape(64, 512), shape(8, 64), jax.ShapeDtypeStruct((8,), np.int32)
    whose = state_sharding(kernel, mesh)

    def gradient(kernel, images, labels):
        with split_over(mesh):
            loss = jax.grad(lambda kernel: cross_entropy(split_by_images(images @ kernel), labels).mean())
            return row_major(loss(kernel))

    inputs = whose, batch_sharding(mesh), batch_sharding(mesh)
    program = jax.jit(gradient, in_shardings=inputs, out_shardings=whose).lower(kernel, images, labels).compile()
    found = re.findall(r" (all-reduce|all-gather|all-to-all|collective-permute)(?:-start)?\(", program.as_text())
    assert not whose.is_fully_replicated and sorted(found) == ["all-gather", "all-reduce"]


def test_devices_that_a_fast_network_connects_are_the_last_axes():
    hosts = [SimpleNamespace(slice_index=host) for host in range(3) for _ in range(8)]
    assert mesh_factors(hosts) == (3, 2, 2, 2)
    assert mesh_factors(hosts[:16]) == (2, 2, 2, 2) and mesh_factors(hosts[:12]) == (2, 3, 2)
    assert mesh_factors(hosts[:9]) == (3, 3) and mesh_factors(hosts[:7]) == (7,) and mesh_factors(hosts[:1]) == (1,)


def test_a_run_says_in_one_line_what_is_not_split():
    (line,) = [line for line in plan_lines(pod_plan(state_split=split(7))) if "--fsdp" in line]
    assert "conv/kernel" in line and "1 parameter below 64.0 KiB" in line and "head" not in line
    (line,) = [line for line in plan_lines(pod_plan(state_split=split(6))) if "--fsdp" in line]
    assert "2 split over fewer than 6" in line and "cannot" not in line
    assert not any("--fsdp" in line for line in plan_lines(pod_plan(state_split=split(1))))


@pytest.mark.slow
def test_steps_on_many_devices_are_those_of_one():
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=48", "JAX_PLATFORMS": "cpu"}
    script = [sys.executable, str(Path(__file__).with_name("split_steps.py"))]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["devices"] for row in rows] == [1, 6, 12, 24, 48]
    for row in rows:
        assert row["stated"] == row["held"]
        np.testing.assert_allclose(row["losses"], rows[0]["losses"], rtol=1e-4)
        assert row["changes"] == pytest.approx(rows[0]["changes"], rel=1e-3)
