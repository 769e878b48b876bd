"""Four simulated devices for every test, so that sharding is always exercised; set before JAX starts."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"

import pytest


@pytest.fixture(autouse=True)
def forget_what_slow_tests_compiled(request):
    """Hundreds of compiled networks would fill the memory."""
    yield
    if request.node.get_closest_marker("slow"):
        import jax

        jax.clear_caches()
