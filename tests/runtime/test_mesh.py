"""The order of the devices on the data axis, with devices that are not there."""

from types import SimpleNamespace

import jax
import numpy as np

from zoo.runtime.mesh import data_mesh, slice_by_slice


def gpus(hosts, per_host):
    """As JAX describes GPUs: a slice is the GPUs that NVLink connects."""
    return [
        SimpleNamespace(
            id=host * per_host + number,
            platform="gpu",
            device_kind="NVIDIA H200",
            process_index=host,
            slice_index=host,
        )
        for host in range(hosts)
        for number in range(per_host)
    ]


def test_the_devices_of_several_slices_are_in_the_order_of_the_slices():
    devices = gpus(3, 4)
    shuffled = [devices[i] for i in np.random.default_rng(0).permutation(12)]
    ordered = slice_by_slice(shuffled)
    assert [one.slice_index for one in ordered] == [0] * 4 + [1] * 4 + [2] * 4
    assert {one.id for one in ordered} == set(range(12))


def test_slices_of_different_sizes_are_one_after_the_other():
    devices = [*gpus(1, 3), *(one for one in gpus(2, 2) if one.slice_index == 1)]
    ordered = slice_by_slice(devices[::-1])
    assert ordered.shape == (5,) and [one.slice_index for one in ordered] == [0, 0, 0, 1, 1]


def test_the_mesh_has_all_devices():
    mesh = data_mesh(8)
    assert mesh.axis_names == ("data",) and list(mesh.devices) == jax.devices()
