"""The learning rate at a few steps of a run."""

from dataclasses import dataclass

from zoo.training.config.recipe import Recipe
from zoo.training.learning_rate import count_warmup_updates, decay_updates
from zoo.training.schedule import TrainingPlan

# Of a staircase with more decays the first ones.
SHOWN_DECAYS = 6


@dataclass(frozen=True, kw_only=True)
class RatePoint:
    """The learning rate of a step, counted from 1, and why this one is shown."""

    step: int
    epoch: float
    rate: float
    why: str


def rate_points(recipe: Recipe, plan: TrainingPlan) -> tuple[RatePoint, ...]:
    """The learning rate at the first step, after the warmup, half of the run or at the decays, and the last step.

    That of "plateau" is known only as far as the warmup.
    """
    last = {} if recipe.schedule == "plateau" else {plan.steps: "last"}
    named = {1: "first", **_between(recipe, plan), **last}
    return tuple(
        RatePoint(step=step, epoch=round((step - 1) / plan.steps_per_epoch, 3), rate=plan.rate(step), why=why)
        for step, why in sorted(named.items())
    )


def _between(recipe: Recipe, plan: TrainingPlan) -> dict[int, str]:
    """Steps between the first and the last one."""
    warmup = count_warmup_updates(recipe, plan.steps_per_epoch)
    found = {warmup * recipe.accumulate + 1: "after the warmup"} if warmup else {}
    match recipe.schedule:
        case "staircase":
            decays = decay_updates(recipe, plan.steps_per_epoch)[:SHOWN_DECAYS]
            found |= {update * recipe.accumulate + 1: "decay" for update in decays}
        case "one_cycle":
            found[max(1, 3 * plan.steps // 10)] = "peak"
        case "constant" | "plateau":
            pass
        case _:
            found[plan.steps // 2 + 1] = "half of the run"
    return {step: why for step, why in found.items() if 1 < step < plan.steps}
