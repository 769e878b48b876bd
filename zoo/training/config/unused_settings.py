"""Settings that have no effect beside the others: they are refused, so that nobody believes in them."""

from collections.abc import Iterable

from zoo.errors import ZooError
from zoo.training.config.decays import parse_epochs
from zoo.training.config.recipe import Recipe


def check_used(recipe: Recipe, given: Iterable[str], *, has_batch_norm: bool = True) -> None:
    """Raises ZooError if one of the `given` fields of the recipe has no effect in it."""
    optimizer = f", and the optimizer is {recipe.optimizer}"
    reasons = {
        **_unused_decays(recipe),
        "momentum": recipe.optimizer not in ("sgd", "rmsprop") and f"it is that of sgd and rmsprop{optimizer}",
        "nesterov": recipe.optimizer != "sgd" and f"it is that of sgd{optimizer}",
        "rms_epsilon": recipe.optimizer != "rmsprop" and f"it is that of rmsprop{optimizer}",
        "decay_norms": not recipe.weight_decay and "weight_decay is 0",
        "ema_every": not recipe.ema and "it is that of the moving average, which --ema keeps",
        "bce_threshold": recipe.loss != "bce" and "it is that of bce, which --loss bce uses",
        "layer_decay": recipe.freeze == "backbone" and "the backbone is frozen",
        "aux_weight": not recipe.aux_heads and "it is that of auxiliary heads, which --aux-heads trains",
        "backbone_rate": recipe.freeze == "backbone" and "the backbone is frozen",
        "batch_norm_warmup": not has_batch_norm and "the network has no batch norm",
        "batch_norm_momentum": not has_batch_norm and "the network has no batch norm",
    }
    for name in given:
        if reason := reasons.get(name):
            raise ZooError(f"{name} is given and has no effect: {reason}; leave out --{name.replace('_', '-')}")


def _unused_decays(recipe: Recipe) -> dict[str, str | bool]:
    """Why settings of the learning rate have no effect, False for those that have one."""
    schedule, decay_at = recipe.schedule, parse_epochs(recipe.decay_at, "decay_at")
    too_late = f"the run has only {recipe.epochs} epochs"
    decaying = schedule not in ("staircase", "exponential") and "it is that of staircase and exponential"
    reasons: dict[str, str | bool] = {
        "warmup_epochs": schedule == "one_cycle" and "one_cycle has a rise of its own",
        "warmup_start": schedule == "one_cycle" and "one_cycle has a rise of its own",
        "decay_rate": decaying,
        "decay_epochs": decaying,
        "decay_at": schedule != "staircase" and "it is that of staircase",
        "decay_power": schedule != "polynomial" and "it is that of polynomial",
    }
    reasons = {name: reason and f"{reason}, and the schedule is {schedule}" for name, reason in reasons.items()}
    if not recipe.warmup_epochs:
        reasons["warmup_start"] = "warmup_epochs is 0"
    if schedule == "staircase" and decay_at:
        reasons["decay_epochs"] = f"decay_at is {recipe.decay_at}"
        reasons["decay_at"] = decay_at[0] >= recipe.epochs and too_late
    elif schedule == "staircase":
        reasons["decay_epochs"] = recipe.decay_epochs >= recipe.epochs and too_late
    return reasons
