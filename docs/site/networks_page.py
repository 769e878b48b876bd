"""The page of all networks: one table, which networks.js filters and sorts."""

from html import escape

from zoo.commands.list import ListedNetwork
from zoo.registry import list_models, model_info
from zoo.weights.published import published_weights

COLUMNS = ("name", "parameters", "multiply-adds", "input", "year", "top 1", "paper", "differs from the paper in")


def networks_page() -> str:
    """Markdown, with the table as HTML: its cells have the numbers by which they are sorted."""
    networks = [ListedNetwork(model_info(name), published_weights(name)) for name in list_models()]
    heads = "".join(f'<th><button type="button">{column}</button></th>' for column in COLUMNS)
    return "\n".join(
        [
            # The table takes the whole width.
            "---",
            "hide: [navigation, toc]",
            "---",
            "",
            "# Networks",
            "",
            f"{len(networks)} networks, each checked against its original: parameters, multiply-adds and logits.",
            "`top 1` is the best accuracy that a publisher states for weights of the network, in percent, on the",
            "validation images of ImageNet.",
            "`zoo list` prints this table, and `zoo weights NAME` all weights of a network.",
            "[model_info](api/zoo.md#zoo.model_info) has the same facts in Python.",
            "",
            '<input id="network-filter" type="search" aria-label="Filter" placeholder="Filter: resnet 2016">',
            '<p id="network-count" role="status"></p>',
            f'<div class="network-scroll"><table id="network-table"><thead><tr>{heads}</tr></thead><tbody>',
            *map(_row, networks),
            "</tbody></table></div>",
            "",
        ]
    )


def _row(network: ListedNetwork) -> str:
    info = network.info
    name, parameters, macs, size, year, top1, title = map(escape, network.cells())
    numbers = ("", info.parameters, info.macs, info.input_size, info.year, network.top1 or 0, "", "")
    paper = f'<a href="{escape(info.url)}">{title}</a>' if info.url else title
    cells = (f"<code>{name}</code>", parameters, macs, size, year, top1, paper, escape(info.differs))
    marked = (f' data-number="{number}"' if number != "" else "" for number in numbers)
    return "<tr>" + "".join(f"<td{mark}>{cell}</td>" for mark, cell in zip(marked, cells, strict=True)) + "</tr>"
