"""``python -m models pretrained``: which pretrained encoder is here, and fetching one from the hub when asked."""

from __future__ import annotations

import argparse
from typing import Any


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand with its two verbs."""
    parser = subparsers.add_parser("pretrained", help="look at or fetch a pretrained encoder", description=__doc__)
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    show = verbs.add_parser("show", help="say what an encoder is, without going online")
    show.add_argument("source", nargs="?", default="minilm", help="minilm (default), a local folder, or a hub id")
    show.set_defaults(run=_show)
    fetch = verbs.add_parser("fetch", help="download an encoder from the hub into the hub's own cache")
    fetch.add_argument("source", help="a hub id such as google-bert/bert-base-uncased")
    fetch.set_defaults(run=_fetch)


def _show(args: argparse.Namespace) -> int:
    from models.pretrained.base import open_pretrained

    opened = open_pretrained(args.source)
    weights = sum(parameter.numel() for parameter in opened.module.parameters())
    print(f"{opened.source}: {opened.layers} layers of width {opened.state_size}, {weights:,} weights, ", end="")
    print(f"{len(opened.vocabulary):,} pieces, at most {opened.vocabulary.limit} of them in a text")
    print(f"sha256 {opened.sha256}")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from models.pretrained.source import fetch

    print(f"{args.source} is in {fetch(args.source)}")
    return _show(args)
