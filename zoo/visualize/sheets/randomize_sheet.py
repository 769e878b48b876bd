"""The sanity check as a sheet: what speaks for a class, while more and more of the weights are drawn again."""

from collections.abc import Iterator, Sequence
from typing import get_args

import jax
import numpy as np

from zoo.models.variables import Variables
from zoo.visualize.methods.backward_rules import Rule
from zoo.visualize.methods.gradients import saliency
from zoo.visualize.methods.randomize import randomize_weights
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, default_layers
from zoo.visualize.projection_groups import SATURATED_FRACTION
from zoo.visualize.sheets.class_sheets import explained_classes, prepared
from zoo.visualize.sheets.figures import Cell, sheet_figure
from zoo.visualize.sheets.projection_sheets import SCALE
from zoo.visualize.sheets.sheet import Sheet, sheet_name
from zoo.visualize.tiles import signed_to_colours, uint8_to_colours

LEARNT = "learnt weights"


def randomize_sheet(
    subject: TrainedNetwork, pictures: ImageSet, units: Sequence[int] | None, *, seed: int, track: ProgressBar
) -> Sheet:
    """A row an image and rule: the picture with the learnt weights, and with fewer and fewer of them."""
    fitted, images = prepared(subject, pictures)
    classes, said = explained_classes(subject, images, units)
    stages = default_layers(subject)
    cascade = track(_cascade(subject, stages, seed), total=len(stages) + 1, description="drawing weights again")
    made = {
        column: {rule: saliency(subject.model, variables, images, classes, rule=rule) for rule in get_args(Rule)}
        for column, variables in cascade
    }
    rows = []
    for i, label in enumerate(said):
        for rule in get_args(Rule):
            pixels = {column: by_rule[rule][i] for column, by_rule in made.items()}
            rows.append([Cell(uint8_to_colours(fitted[i]), f"{pictures.names[i]}\n{label}"), *_cells(rule, pixels)])
    which = "the most probable class" if units is None else "the class asked for"
    caption = (
        f"{subject.about}; {pictures.about}; layer: the logits.\n"
        f"The logit of {which}, with its probability above the image, brought down to the pixels by a rule: with the "
        "learnt weights; then with all layers from the logits down to the one named, it included, drawn again at "
        f"random (seed {seed}), so that what they learnt is gone. The number is the rank correlation of the picture's "
        "magnitudes with those of the learnt one: 1 is the same order of pixels, 0 none. A picture that stays does "
        f"not show what was learnt. {SCALE}"
    )
    title = f"{subject.weights.model}, weights drawn again"
    return Sheet(sheet_name("randomize"), title, caption, sheet_figure(rows, title, caption, side=1.6))


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's, of the magnitudes; 0 where either is the same everywhere."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.abs(values).ravel()) for values in (one, other)]
    return float(np.corrcoef(ranks)[0, 1]) if all(np.ptp(rank) for rank in ranks) else 0.0


def _cascade(subject: TrainedNetwork, stages: Sequence[str], seed: int) -> Iterator[tuple[str, Variables]]:
    """The learnt weights, then with more and more drawn again, at last all."""
    yield LEARNT, subject.variables
    for stage in reversed(stages):
        down_to = None if stage == stages[0] else stage
        yield (
            f"down to {stage}" if down_to else "all drawn again",
            randomize_weights(
                subject.model, subject.variables, jax.random.key(seed), down_to, image_shape=subject.image_shape
            ),
        )


def _cells(rule: Rule, pixels: dict[str, np.ndarray]) -> Iterator[Cell]:
    for column, values in pixels.items():
        compared = f"rule {rule}" if column == LEARNT else f"{rank_correlation(pixels[LEARNT], values):.2f}"
        yield Cell(signed_to_colours(values, SATURATED_FRACTION), f"{column}\n{compared}")
