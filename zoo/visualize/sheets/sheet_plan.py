"""Which sheets a method draws: the choices are made and checked first, then the sheets are drawn one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from zoo.errors import ZooError
from zoo.inference.prediction import output_names
from zoo.visualize.methods.backward_rules import Rule, with_rule
from zoo.visualize.methods.feature_maps import filters
from zoo.visualize.methods.named_layers import LOGITS, check_classes, check_units, layer_shape
from zoo.visualize.network_and_images import (
    MIN_IMAGES_TO_SEARCH,
    ImageSet,
    ProgressBar,
    TrainedNetwork,
    default_layers,
    default_rule,
)
from zoo.visualize.sheets import class_sheets, layer_sheets, projection_sheets, randomize_sheet
from zoo.visualize.sheets.sheet import Sheet

RULES: tuple[Rule, ...] = get_args(Rule)
GRADIENTS = tuple(class_sheets.GRADIENT_CAPTIONS)
CLASS_METHODS = (*GRADIENTS, "grad_cam", "occlusion", "randomize")
METHODS = (*RULES, "filters", "activations", *CLASS_METHODS, "maximize")
METHODS_WITHOUT_IMAGES = ("filters", "maximize")

# How many images of a data set are shown by the methods that draw a row per image.
ROWS_OF_DATA_SET = {"activations": 3, "randomize": 2}
DEFAULT_ROWS_OF_DATA_SET = 6


@dataclass(frozen=True)
class SheetPlan:
    """A method and its layers, each of which gets a sheet; None is the method's default layer.

    `units` are units of each layer, or classes for the `CLASS_METHODS`; None is the method's choice. `rule_reason` says
    in captions why the rule is not the usual one.
    """

    method: str
    layers: tuple[str | None, ...]
    units: Sequence[int] | None = None
    rule_reason: str = ""

    @property
    def needs_images(self) -> bool:
        """Whether `draw_sheets` needs images."""
        return self.method not in METHODS_WITHOUT_IMAGES

    @property
    def rows_of_data_set(self) -> int | None:
        """How many images of a data set are shown, one of each class; None for all images."""
        return None if self.method in RULES else ROWS_OF_DATA_SET.get(self.method, DEFAULT_ROWS_OF_DATA_SET)


def plan_sheets(
    network: TrainedNetwork, method: str | None, layers: Sequence[str], units: Sequence[int] | None
) -> SheetPlan:
    """Choose what is not given, and check all of it; nothing is computed yet.

    `method` None is the network's default rule; no `layers` are the method's default layers, and "logits" is the
    output. A layer or a unit that is given twice is drawn once. Raises ZooError for unknown layers, units and classes,
    and for a method that the network does not allow.
    """
    layers, units = tuple(dict.fromkeys(layers)), units and tuple(dict.fromkeys(units))
    if method in CLASS_METHODS:
        output_names(network.weights)
    method, rule_reason = (method, "") if method else default_rule(network)
    rule = _rule(method)
    if rule:
        with_rule(network.model, rule)
    chosen = _choose_layers(network, method, layers)
    for layer in chosen:
        _check_layer_and_units(network, method, layer, units)
    if units and method in CLASS_METHODS:
        check_classes(network.shapes, units, len(units))
    return SheetPlan(method=method, layers=chosen, units=units, rule_reason=rule_reason)


def _rule(method: str) -> Rule | None:
    """The rule of a projection; None for the other methods."""
    return next((rule for rule in RULES if rule == method), None)


def _choose_layers(network: TrainedNetwork, method: str, layers: Sequence[str]) -> tuple[str | None, ...]:
    if method in (*GRADIENTS, "randomize") and layers:
        raise ZooError(f"{method} is of the logits, not of a layer: leave out --layers")
    if layers:
        return tuple(LOGITS if layer == "logits" else layer for layer in dict.fromkeys(layers))
    if method == "maximize" and network.model.num_classes:
        return (LOGITS,)
    if method in (*RULES, "activations", "maximize"):
        return tuple(default_layers(network))
    return (None,)


def _check_layer_and_units(
    network: TrainedNetwork, method: str, layer: str | None, units: Sequence[int] | None
) -> None:
    count = None
    if method == "filters":
        count = filters(network.model, network.variables, layer, image_shape=network.image_shape).shape[-1]
    elif method == "maximize":
        count = layer_shape(network.model, network.shapes, layer or LOGITS)[-1]
    elif layer is not None:
        count = network.units(layer)
    if units and count is not None and method not in CLASS_METHODS:
        check_units("the first convolution" if layer is None else layer or "the output", count, units)


def draw_sheets(
    network: TrainedNetwork,
    image_set: ImageSet | None,
    plan: SheetPlan,
    *,
    batch_size: int,
    steps: int,
    seed: int,
    progress_bar: ProgressBar,
) -> Iterator[Sheet]:
    """The sheets of a plan, each as soon as it is drawn; `image_set` is None for methods without images.

    `batch_size` is for searching images, `steps` for maximize, `seed` for all methods with random numbers.
    """
    for layer in plan.layers:
        if plan.method == "filters":
            yield layer_sheets.filter_sheet(network, layer, plan.units)
        elif plan.method == "maximize":
            yield layer_sheets.maximize_sheet(network, layer or LOGITS, plan.units, steps=steps, seed=seed)
        elif image_set is None:
            raise ZooError(f"{plan.method} needs images: give an image set")
        else:
            yield _sheet_of_images(
                network, image_set, plan, layer, batch_size=batch_size, seed=seed, progress_bar=progress_bar
            )


def _sheet_of_images(
    network: TrainedNetwork,
    image_set: ImageSet,
    plan: SheetPlan,
    layer: str | None,
    *,
    batch_size: int,
    seed: int,
    progress_bar: ProgressBar,
) -> Sheet:
    named, units = layer or LOGITS, plan.units
    if plan.method == "activations":
        return layer_sheets.activation_sheet(network, image_set, named, units, progress_bar=progress_bar)
    if plan.method == "grad_cam":
        return class_sheets.grad_cam_sheet(network, image_set, layer, units, progress_bar=progress_bar)
    if plan.method == "occlusion":
        return class_sheets.occlusion_sheet(network, image_set, layer, units, progress_bar=progress_bar)
    if plan.method == "randomize":
        return randomize_sheet.randomize_sheet(network, image_set, units, seed=seed, progress_bar=progress_bar)
    rule = _rule(plan.method)
    if rule is None:
        return class_sheets.gradient_sheet(network, image_set, plan.method, units, seed=seed, progress_bar=progress_bar)
    return _projection_sheet(network, image_set, plan, named, rule, batch_size=batch_size, progress_bar=progress_bar)


def _projection_sheet(
    network: TrainedNetwork,
    image_set: ImageSet,
    plan: SheetPlan,
    layer: str,
    rule: Rule,
    *,
    batch_size: int,
    progress_bar: ProgressBar,
) -> Sheet:
    if image_set.names and len(image_set) < MIN_IMAGES_TO_SEARCH:
        return projection_sheets.projections_by_image(
            network,
            image_set,
            layer,
            plan.units,
            rule,
            rule_reason=plan.rule_reason,
            progress_bar=progress_bar,
        )
    return projection_sheets.projections_by_unit(
        network,
        image_set,
        layer,
        plan.units,
        rule,
        rule_reason=plan.rule_reason,
        batch_size=batch_size,
        progress_bar=progress_bar,
    )
