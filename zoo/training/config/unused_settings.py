"""Settings that have no effect beside the others: they are refused, so that nobody believes in them."""

from collections.abc import Iterable

from zoo.errors import ZooError
from zoo.training.config.decays import parse_epochs
from zoo.training.config.recipe import Recipe


def check_used(recipe: Recipe, given: Iterable[str], *, has_batch_norm: bool = True, grey: bool = False) -> None:
    """Raises ZooError if one of the `given` fields of the recipe has no effect in it; `grey`: of one channel."""
    optimizer = f", and the optimizer is {recipe.optimizer}"
    reasons = {
        **_unused_decays(recipe),
        **_unused_augmentation(recipe, grey),
        "momentum": recipe.optimizer not in ("sgd", "rmsprop") and f"it is that of sgd and rmsprop{optimizer}",
        "nesterov": recipe.optimizer != "sgd" and f"it is that of sgd{optimizer}",
        "rms_epsilon": recipe.optimizer != "rmsprop" and f"it is that of rmsprop{optimizer}",
        "decay_norms": not recipe.weight_decay and "weight_decay is 0",
        "ema_every": not recipe.ema and "it is that of the moving average, which --ema keeps",
        "eval_crop": recipe.fit == "pad" and "it is that of fit resize and squash, and fit is pad",
        "label_smoothing": recipe.loss == "bce"
        and recipe.bce_threshold > 0
        and f"bce_threshold is {recipe.bce_threshold:g}, so the targets are 0 and 1",
        "bce_threshold": recipe.loss != "bce" and "it is that of bce, which --loss bce uses",
        "layer_decay": recipe.freeze == "backbone" and "the backbone is frozen",
        "aux_weight": not recipe.aux_heads and "it is that of auxiliary heads, which --aux-heads trains",
        "backbone_rate": recipe.freeze == "backbone" and "the backbone is frozen",
        "batch_norm_warmup": not has_batch_norm and "the network has no batch norm",
        "batch_norm_momentum": not has_batch_norm and "the network has no batch norm",
        "bn_group": (not has_batch_norm and "the network has no batch norm")
        or (recipe.bn_group == recipe.batch_size and "the group is the whole batch"),
    }
    for name in given:
        if reason := reasons.get(name):
            raise ZooError(f"{name} is given and has no effect: {reason}; leave out --{name.replace('_', '-')}")


def _unused_augmentation(recipe: Recipe, grey: bool) -> dict[str, str | bool]:
    """Why settings of augmentation have no effect, False for those that have one."""
    no_rand = not recipe.randaugment and "it is that of RandAugment, which --randaugment 9 uses"
    no_erase = not recipe.erase and "it is that of random erasing, which --erase 0.25 uses"
    has_policy = recipe.auto_augment or recipe.randaugment or recipe.trivial_augment
    of_timm = recipe.randaugment_form == "torchvision" and "torchvision's RandAugment has one magnitude"
    return {
        "randaugment_ops": no_rand,
        "randaugment_std": no_rand or of_timm,
        "randaugment_form": no_rand,
        "augment_interpolation": not has_policy and "it is that of AutoAugment, RandAugment and TrivialAugment",
        "erase_area": no_erase,
        "erase_noise": no_erase,
        "lighting": grey and "it shifts colors, and the images are grey",
        "hue_jitter": grey and "it turns colors, and the images are grey",
        "mix_per_image": not recipe.mixes_images and "it is that of mixup and CutMix",
    }


def _unused_decays(recipe: Recipe) -> dict[str, str | bool]:
    """Why settings of the learning rate have no effect, False for those that have one."""
    schedule, decay_at = recipe.schedule, parse_epochs(recipe.decay_at, "decay_at")
    too_late = f"the run has only {recipe.epochs} epochs"
    decaying = schedule not in ("staircase", "exponential") and "it is that of staircase and exponential"
    of_plateau = schedule != "plateau" and "it is that of plateau"
    reasons: dict[str, str | bool] = {
        "warmup_epochs": schedule == "one_cycle" and "one_cycle has a rise of its own",
        "warmup_start": schedule == "one_cycle" and "one_cycle has a rise of its own",
        "decay_rate": decaying and of_plateau and "it is that of staircase, exponential and plateau",
        "plateau_patience": of_plateau,
        "plateau_metric": of_plateau,
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
