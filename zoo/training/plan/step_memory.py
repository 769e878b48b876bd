"""The memory of a compiled step on each device, as XLA has assigned it."""

from dataclasses import dataclass

from jax.stages import Compiled

from zoo.errors import ZooError
from zoo.printable import shown_bytes


@dataclass(frozen=True, kw_only=True)
class StepMemory:
    """Bytes per device: the state and the images that the step is given, its new arrays, and what it needs meanwhile.

    The next state takes the place of the state, and is not counted again.
    """

    arguments: int
    results: int
    temporary: int
    code: int

    @property
    def total(self) -> int:
        """All of it: what a device has at least while a step runs."""
        return self.arguments + self.results + self.temporary + self.code


def step_memory(program: Compiled) -> StepMemory | None:
    """That of a compiled step, None where the platform does not say."""
    try:
        found = program.memory_analysis()
    except (NotImplementedError, RuntimeError):
        return None
    if found is None:
        return None
    return StepMemory(
        arguments=found.argument_size_in_bytes,
        results=max(0, found.output_size_in_bytes - found.alias_size_in_bytes),
        temporary=found.temp_size_in_bytes,
        code=found.generated_code_size_in_bytes,
    )


def check_step_memory(memory: StepMemory | None, available: int | None) -> None:
    """Raises ZooError where a step takes more memory than a device has."""
    if memory is not None and available is not None and memory.total > available:
        raise ZooError(
            f"a step takes {shown_bytes(memory.total)} of memory per device, and {shown_bytes(available)} are free: "
            "use a smaller --batch-size (with --accumulate in its place) or --image-size, --dtype bfloat16, or more "
            "devices and --fsdp"
        )
