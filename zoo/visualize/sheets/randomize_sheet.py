"""The sanity check as a sheet: the gradient of a class's logit, while more and more weights are random."""

from collections.abc import Iterator, Sequence
from typing import get_args

import jax
import numpy as np

from zoo.models.variables import Variables
from zoo.visualize.methods.backward_rules import Rule
from zoo.visualize.methods.gradients import saliency
from zoo.visualize.methods.randomize import randomize_weights
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, default_layers, no_progress_bar
from zoo.visualize.projection_groups import SATURATED_FRACTION
from zoo.visualize.sheets.class_sheets import explain_images, explained_class
from zoo.visualize.sheets.projection_sheets import SCALE_CAPTION
from zoo.visualize.sheets.sheet import Sheet, draw_sheet, sheet_name
from zoo.visualize.sheets.sheet_image import SheetImage
from zoo.visualize.tiles import signed_to_colours, uint8_to_colours

LEARNED = "learned weights"


def randomize_sheet(
    network: TrainedNetwork,
    image_set: ImageSet,
    units: Sequence[int] | None,
    *,
    seed: int,
    progress_bar: ProgressBar = no_progress_bar,
) -> Sheet:
    """A row per image and rule: with the learned weights, then with more and more layers initialised at random."""
    explained = explain_images(network, image_set, units)
    stages = default_layers(network)
    cascade = progress_bar(_cascade(network, stages, seed), total=len(stages) + 1, description="randomising weights")
    gradients = {
        column: {
            rule: saliency(network.model, variables, explained.normalized, explained.classes, rule=rule)
            for rule in get_args(Rule)
        }
        for column, variables in cascade
    }
    rows = []
    for i, label in enumerate(explained.labels):
        for rule in get_args(Rule):
            by_column = {column: by_rule[rule][i] for column, by_rule in gradients.items()}
            image = SheetImage(uint8_to_colours(explained.pixels[i]), label)
            rows.append([image, *_gradient_images(rule, by_column)])
    caption = (
        f"{network.description}; {image_set.description}; layer: the logits.\n"
        f"The logit of {explained_class(units)}, with its probability above the image, propagated backward to the "
        "pixels by a rule: first with the learned weights, then with all layers from the logits back to and including "
        f"the one named initialised at random (seed {seed}). The number is the rank correlation of the magnitudes with "
        "those for the learned weights: 1 is the same order of pixels, 0 no relation. A picture that does not change "
        f"does not show what the network has learned. {SCALE_CAPTION}"
    )
    title = f"{network.weights.model}, randomised weights"
    return draw_sheet(sheet_name("randomize"), rows, title, caption, image_width=1.6)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of the magnitudes; 0 if either array is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.abs(values).ravel()) for values in (one, other)]
    return float(np.corrcoef(ranks)[0, 1]) if all(np.ptp(rank) for rank in ranks) else 0.0


def _cascade(network: TrainedNetwork, stages: Sequence[str], seed: int) -> Iterator[tuple[str, Variables]]:
    """Pairs of a column's name and variables: the learned ones, then with more and more random layers, at last all."""
    yield LEARNED, network.variables
    for stage in reversed(stages):
        down_to = None if stage == stages[0] else stage
        variables = randomize_weights(
            network.model, network.variables, jax.random.key(seed), down_to, image_shape=network.image_shape
        )
        yield f"down to {stage}" if down_to else "all random", variables


def _gradient_images(rule: Rule, by_column: dict[str, np.ndarray]) -> Iterator[SheetImage]:
    for column, values in by_column.items():
        text = f"rule {rule}" if column == LEARNED else f"{rank_correlation(by_column[LEARNED], values):.2f}"
        yield SheetImage(signed_to_colours(values, SATURATED_FRACTION), f"{column}\n{text}")
