"""What a run will take, as a record: computed from its configuration and the machine, before it starts."""

import math
from dataclasses import dataclass
from types import MappingProxyType

from zoo.training.config.run_config import RunConfig
from zoo.training.config.run_options import RunOptions
from zoo.training.logging.flop_utilization import teraflops
from zoo.training.plan.machine import Machine
from zoo.training.plan.rate_points import RatePoint, rate_points
from zoo.training.plan.step_memory import StepMemory
from zoo.training.schedule import TrainingPlan, max_checkpoints
from zoo.training.state_split import StateSplit

# The share of the devices' peak in bfloat16 that a step is assumed to reach, by the type of the computation. NVIDIA's
# DeepLearningExamples train ResNet-50 v1.5 on an A100 (312 TFLOP/s) with 2,470 images/s in mixed precision, which is
# 19 %, and with 938 in TensorFloat-32, the default of float32 there, which is 7 %.
PEAK_SHARE = MappingProxyType({"bfloat16": 0.2, "float32": 0.07})


@dataclass(frozen=True, kw_only=True)
class RunImages:
    """The images of a run: for training and testing, and the bytes of one, in pixels and encoded (None: not known)."""

    training: int
    test: int
    pixel_bytes: int
    encoded_bytes: float | None = None


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What a run will take; None for what is not known, or was not computed.

    `unused_images` are those that an epoch does not have: those that do not fill a batch, and those in whose place
    others are repeated, each `repeats` times. `macs` are the multiply-adds of one image,
    forward; `macs_per_epoch` counts a step as three times that, and the evaluation once. `seconds_per_epoch` are at
    `peak_share` of the devices' peak, and `images_per_second` is then the speed of all devices. At most `checkpoints`
    are on the disk at a time; while one is written, a device has `copy_bytes` for a copy of its part of the state.
    `state_split` is that of a run with --fsdp.
    """

    model: str
    dataset: str
    machine: Machine
    images: RunImages
    batch_size: int
    repeats: int
    unused_images: int
    resident: bool
    epochs: int
    steps_per_epoch: int
    steps: int
    updates: int
    learning_rate: tuple[RatePoint, ...]
    parameters: int
    checkpoint_bytes: int
    checkpoints: int
    copy_bytes: int = 0
    state_split: StateSplit | None = None
    memory: StepMemory | None = None
    macs: int | None = None
    macs_per_epoch: int | None = None
    peak_share: float | None = None
    seconds_per_epoch: float | None = None
    images_per_second: float | None = None

    @property
    def disk_bytes(self) -> int:
        """The bytes of all checkpoints at a time."""
        return self.checkpoint_bytes * self.checkpoints

    @property
    def host_images_per_second(self) -> float | None:
        """The images that each host has to read per second; None where they stay on the devices."""
        return None if self.resident or self.images_per_second is None else self.images_per_second / self.machine.hosts


def plan_run(
    config: RunConfig,
    options: RunOptions,
    images: RunImages,
    machine: Machine,
    *,
    parameters: int,
    checkpoint_bytes: int,
    copy_bytes: int = 0,
    macs: int | None = None,
    memory: StepMemory | None = None,
    state_split: StateSplit | None = None,
) -> RunPlan:
    """The plan of a run of this configuration on such images and such a machine."""
    recipe = config.recipe
    plan = TrainingPlan(recipe, images.training)
    used = plan.steps_per_epoch * recipe.batch_size
    share = seconds = speed = per_epoch = None
    # Frozen layers have no backward pass.
    if macs is not None and recipe.freeze == "none":
        per_epoch = macs * (3 * used + images.test)
    if macs and per_epoch and machine.peak:
        share = PEAK_SHARE[recipe.computing_type]
        seconds = 2 * per_epoch / (share * machine.peak * 1e12)
        speed = share * machine.peak / teraflops(macs, 1, training=True)
    return RunPlan(
        model=config.model,
        dataset=config.dataset,
        machine=machine,
        images=images,
        batch_size=recipe.batch_size,
        repeats=recipe.repeats,
        unused_images=images.training - math.ceil(used / recipe.repeats),
        resident=recipe.feed == "resident",
        epochs=recipe.epochs,
        steps_per_epoch=plan.steps_per_epoch,
        steps=plan.steps,
        updates=plan.steps // recipe.accumulate,
        learning_rate=rate_points(recipe, plan),
        parameters=parameters,
        checkpoint_bytes=checkpoint_bytes,
        checkpoints=max_checkpoints(recipe, options, plan.steps_per_epoch),
        copy_bytes=copy_bytes,
        state_split=state_split,
        memory=memory,
        macs=macs,
        macs_per_epoch=per_epoch,
        peak_share=share,
        seconds_per_epoch=seconds,
        images_per_second=speed,
    )
