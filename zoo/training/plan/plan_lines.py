"""A plan as lines for a person, and as JSON for a program."""

import json
from dataclasses import asdict

from zoo.printable import counted, shown_bytes
from zoo.training.checkpoint.state_copy import has_room
from zoo.training.logging.progress import format_duration
from zoo.training.plan.rate_points import RatePoint
from zoo.training.plan.run_plan import RunPlan
from zoo.training.plan.step_memory import StepMemory
from zoo.training.state_split import MIN_SPLIT_BYTES, StateSplit

# Of the parameters that cannot be split, so many are named.
SHOWN_NAMES = 3


def plan_lines(plan: RunPlan) -> list[str]:
    """What is known without a compiled program: steps, learning rate, how --fsdp splits the state, checkpoints."""
    return [_steps(plan), _rates(plan.learning_rate), *_state_split(plan.state_split), *_checkpoints(plan)]


def plan_report(plan: RunPlan) -> list[str]:
    """All of a plan, in a line each."""
    return [*plan_lines(plan), memory_line(plan), *_compute(plan), *_input(plan)]


def plan_json(plan: RunPlan) -> str:
    """A plan as an object of JSON, whose keys are the fields of RunPlan; null for what is not known."""
    derived = {"disk_bytes": plan.disk_bytes, "host_images_per_second": plan.host_images_per_second}
    return json.dumps({**asdict(plan), **derived}, indent=2)


def memory_line(plan: RunPlan) -> str:
    """The memory of a step on each device, against what there is."""
    memory, available = plan.memory, plan.machine.memory
    there = "" if available is None else f" of {shown_bytes(available)}"
    if memory is None:
        return f"memory: what a step takes{there} is not known on this platform"
    return (
        f"memory per device: a step takes {shown_bytes(memory.total)}{there} "
        f"(state and images {shown_bytes(memory.arguments)}, activations and the like "
        f"{shown_bytes(memory.temporary + memory.results + memory.code)}){_copy(plan, memory)}"
    )


def _copy(plan: RunPlan, memory: StepMemory) -> str:
    """Where the copy is from which a checkpoint is written, for a run that writes any."""
    if plan.machine.disk is None:
        return ""
    size, available = shown_bytes(plan.copy_bytes), plan.machine.memory
    if available is None or plan.machine.kind == "cpu" or has_room(plan.copy_bytes, memory.total, available):
        return f", and {size} more while a checkpoint is written"
    return f"; a checkpoint is copied to the host, as {size} have no room beside that"


def _steps(plan: RunPlan) -> str:
    updates = f", {plan.updates:,} updates" if plan.updates != plan.steps else ""
    unused = f" ({plan.unused_images:,} of each epoch are not used)" if plan.unused_images else ""
    repeats = f", each {plan.repeats} times" if plan.repeats > 1 else ""
    devices = f", {plan.batch_size // plan.machine.devices} per device" if plan.machine.devices > 1 else ""
    return (
        f"plan: {counted(plan.epochs, 'epoch')} of {counted(plan.steps_per_epoch, 'step')}, {plan.steps:,} in all"
        f"{updates}; {plan.images.training:,} images{unused}, {plan.batch_size} per step{devices}{repeats}"
    )


def _rates(points: tuple[RatePoint, ...]) -> str:
    shown = ", ".join(f"{point.rate:.3g} at step {point.step:,} ({point.why})" for point in points)
    return f"learning rate: {shown}"


def _state_split(split: StateSplit | None) -> list[str]:
    if split is None or split.devices == 1:
        return []
    parts = [f"{counted(split.small, 'parameter')} below {shown_bytes(MIN_SPLIT_BYTES)} whole on each"]
    if split.partly:
        parts.append(f"{split.partly} split over fewer than {split.devices} devices")
    if whole := split.whole:
        more = [f"{len(whole) - SHOWN_NAMES} more"] if len(whole) > SHOWN_NAMES else []
        names = ", ".join([*whole[:SHOWN_NAMES], *more])
        parts.append(f"{len(whole)} that {split.devices} devices cannot split ({names})")
    return [
        f"--fsdp: a device has {shown_bytes(split.bytes_per_device)} of the state's {shown_bytes(split.state_bytes)}; "
        + ", ".join(parts)
    ]


def _checkpoints(plan: RunPlan) -> list[str]:
    if plan.machine.disk is None:
        return []
    return [
        f"checkpoints: {shown_bytes(plan.checkpoint_bytes)} each, at most {plan.checkpoints} at a time: "
        f"{shown_bytes(plan.disk_bytes)} of {shown_bytes(plan.machine.disk)} free"
    ]


def _compute(plan: RunPlan) -> list[str]:
    if plan.macs is None:
        return []
    if plan.macs_per_epoch is None:
        return [f"multiply-adds: {_count(plan.macs)} per image; those of a step depend on what is frozen"]
    machine = plan.machine
    line = (
        f"multiply-adds: {_count(plan.macs)} per image, {_count(plan.macs_per_epoch)} per epoch (three times for "
        "training, once for the evaluation)"
    )
    where = f"{machine.devices} x {machine.kind}"
    if plan.seconds_per_epoch is None or plan.images_per_second is None:
        return [line, f"time: the peak speed of {where} is not known"]
    hours = format_duration(plan.seconds_per_epoch * plan.epochs)
    return [
        line,
        f"time: {format_duration(plan.seconds_per_epoch)} per epoch, {hours} in all, at {plan.peak_share:.0%} of the "
        f"peak of {where} ({machine.peak:,.0f} TFLOP/s): {plan.images_per_second:,.0f} images/s",
    ]


def _input(plan: RunPlan) -> list[str]:
    if plan.resident:
        return ["input: all images stay on the devices"]
    encoded = plan.images.encoded_bytes
    size = "" if encoded is None else f", {shown_bytes(round(encoded))} each on the disk"
    speed = plan.host_images_per_second
    if speed is None:
        return [f"input: {shown_bytes(plan.images.pixel_bytes)} of pixels per image{size}"]
    read = "" if encoded is None else f"{shown_bytes(round(speed * encoded))}/s from the disk and "
    return [
        f"input: each host decodes {speed:,.0f} images/s, which is {read}"
        f"{shown_bytes(round(speed * plan.images.pixel_bytes))}/s to its devices"
    ]


def _count(number: int) -> str:
    """A large count with three digits: "4.09 G"."""
    for unit, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:,}"
