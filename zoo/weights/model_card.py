"""The page of weights at a hub, in Markdown, with the metadata that the hub reads.

The metadata: https://huggingface.co/docs/hub/model-cards
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from zoo.printable import printable
from zoo.registry import model_info
from zoo.weights.description import facts_about
from zoo.weights.files import Weights

LIBRARY = "zoo-cnn"


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What a page says beside the weights; what is not known is empty.

    `figures` are measured values by name, such as {"accuracy": 0.9222}; `settings` are those of the training, and
    `command` is what trained. `licence` is the hub's name of one, such as "mit".
    """

    figures: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    command: str = ""
    licence: str = ""


def model_card(weights: Weights, repository: str, facts: CardFacts) -> str:
    """The text of README.md for weights in `repository`, OWNER/NAME."""
    info = model_info(weights.model)
    sections = [_metadata(weights, facts), f"# {weights.model}", _introduction(weights)]
    sections += [_loading(repository)]
    if facts.figures:
        sections += ["## Figures", _table(("measured", "value"), {k: f"{v:.6g}" for k, v in facts.figures.items()})]
    sections += ["## Weights", _table(("", ""), dict(facts_about(weights, None)))]
    if facts.settings or facts.command:
        sections += ["## Training"]
        sections += [f"```sh\n{printable(facts.command)}\n```"] if facts.command else []
        sections += [_table(("setting", "value"), facts.settings)] if facts.settings else []
    if weights.source and weights.source.tag:
        licence = f", whose licence is {weights.source.licence}" if weights.source.licence else ""
        sections += [f"Made from the published weights {weights.source.tag}{licence}."]
    if info.title:
        sections += ["## Paper", f"[{info.title}]({info.url}), {info.year}"]
    return "\n\n".join(sections) + "\n"


def _metadata(weights: Weights, facts: CardFacts) -> str:
    """The head of the page, in YAML; texts are written as JSON, which is YAML too."""
    lines = [f"library_name: {LIBRARY}", "pipeline_tag: image-classification"]
    lines += ["tags: [image-classification, jax, flax, zoo]"]
    lines += [f"license: {json.dumps(facts.licence)}"] if facts.licence else []
    lines += [f"datasets: [{json.dumps(weights.dataset)}]"] if weights.dataset else []
    if facts.figures and weights.dataset:
        data = {"type": weights.dataset, "name": weights.dataset}
        metrics = [{"type": name, "value": value} for name, value in facts.figures.items()]
        task = {"type": "image-classification"}
        results = [{"name": weights.model, "results": [{"task": task, "dataset": data, "metrics": metrics}]}]
        lines += [f"model-index: {json.dumps(results)}"]
    return "\n".join(["---", *lines, "---"])


def _introduction(weights: Weights) -> str:
    data = f", trained on {printable(weights.dataset)}" if weights.dataset else ""
    return f"Weights of the convolutional network `{weights.model}` for JAX and Flax{data}."


def _loading(repository: str) -> str:
    return f"""```python
import zoo  # pip install "{LIBRARY}[hub]"

weights = zoo.load_pretrained("hf://{repository}")
print(weights.predict("image.jpg"))
model, variables = weights
```"""


def _table(titles: tuple[str, str], rows: Mapping[str, str]) -> str:
    lines = [f"| {' | '.join(titles)} |", "|---|---|"]
    # A bar would begin another column.
    lines += [f"| {_cell(name)} | {_cell(value)} |" for name, value in rows.items()]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return printable(text).replace("|", r"\|")
