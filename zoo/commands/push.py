"""Put weights on the Hugging Face hub, with their preprocessing and a page about them.

zoo push checkpoints/lenet5-digits user/lenet5-digits --licence mit
zoo push flowers.safetensors user/flowers --private
zoo push checkpoints/lenet5-digits user/lenet5-digits --out folder      # writes the files, and uploads nothing

The weights of a run are those of its best checkpoint. `zoo predict cat.jpg --weights hf://user/flowers`, and in Python
zoo.load_pretrained("hf://user/flowers"), read them back. It needs huggingface_hub (pip install "zoo-cnn[hub]") and the
token of HF_TOKEN or `hf auth login`; HF_ENDPOINT is another hub.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from zoo.commands.arguments.network import MODEL_HELP, add_model_arg, known_model
from zoo.commands.arguments.types import path
from zoo.printable import printable

if TYPE_CHECKING:
    from zoo.weights import Weights
    from zoo.weights.model_card import CardFacts

HELP = "put weights on the Hugging Face hub"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `push`."""
    parser.add_argument("weights", metavar="DIR", type=path, help="a run folder, or a weights file")
    parser.add_argument(
        "repository", metavar="OWNER/NAME", help="the repository, which is made where it does not exist"
    )
    parser.add_argument("--model", metavar="NAME", help=f"{MODEL_HELP} (default: the one that the weights state)")
    add_model_arg(parser)
    parser.add_argument("--licence", default="", metavar="ID", help="the hub's name of a licence, such as mit")
    parser.add_argument("--private", action="store_true", help="a new repository is not public")
    parser.add_argument("--branch", default="main", metavar="NAME", help="the branch (default: main)")
    parser.add_argument("--message", default="", metavar="TEXT", help="the message of the commit")
    parser.add_argument("--out", type=path, metavar="DIR", help="write the files into this folder instead")


def run(args: argparse.Namespace) -> None:
    """Write the files, and upload them."""
    from zoo.weights.push import push, write_repository

    weights, facts = _weights_and_facts(args)
    if args.out:
        write_repository(args.out, weights, args.repository, facts)
        print(f"{printable(args.out)}: the files of {args.repository}")
        return
    address = push(
        weights,
        args.repository,
        facts=facts,
        private=args.private,
        branch=args.branch,
        message=args.message,
    )
    print(address)


def _weights_and_facts(args: argparse.Namespace) -> tuple[Weights, CardFacts]:
    from zoo.commands.arguments.weights import check_same_network
    from zoo.training import RunFolder, checkpoint_weights
    from zoo.training.checkpoint.card_facts import card_facts
    from zoo.weights import load, load_pretrained
    from zoo.weights.model_card import CardFacts

    model = known_model(args.model) if args.model else None
    if RunFolder(args.weights).exists():
        weights = checkpoint_weights(args.weights, model=model)
        facts = card_facts(args.weights, licence=args.licence, model=model)
    else:
        weights = load_pretrained(model, args.weights) if model else load(args.weights)
        facts = CardFacts(licence=args.licence)
    check_same_network(weights, args, str(args.weights))
    return weights, facts
