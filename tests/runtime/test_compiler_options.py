"""The compiler options: only those that XLA knows, and that the environment does not set."""

import jax
import pytest

import zoo
from zoo.runtime import compiler_options as compilation


def test_options_are_for_a_cpu_alone_and_compile():
    options = zoo.compiler_options("cpu")
    assert options.keys() <= compilation.CPU_OPTIONS.keys()
    assert zoo.compiler_options("gpu") == zoo.compiler_options("tpu") == {}
    assert jax.jit(lambda x: x + 1, compiler_options=options)(1) == 2


def test_an_option_of_the_environment_is_left_to_it(monkeypatch):
    name = "xla_cpu_prefer_vector_width"
    monkeypatch.setenv("XLA_FLAGS", f"--{name}=256")
    assert name not in zoo.compiler_options("cpu")


def test_an_option_that_this_xla_does_not_know_is_left_out(monkeypatch):
    monkeypatch.setattr(compilation, "CPU_OPTIONS", {"xla_no_such_option": True})
    assert zoo.compiler_options("cpu") == {}


@pytest.mark.parametrize("platform", ["cpu", None])
def test_the_default_is_the_backend_of_jax(platform):
    assert zoo.compiler_options(platform) == zoo.compiler_options(jax.default_backend())
