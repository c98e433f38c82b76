"""``python -m models pretrain``: a small language model on plain texts, shipped as a base for encoders."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from models.commands.values import options
from models.errors import PoolScopeError

_FLAGS = ("epochs", "batch_words", "length", "max_words", "held_out", "lr", "warmup", "weight_decay", "seed")


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    from models.pretraining.plan import Plan

    parser = subparsers.add_parser("pretrain", help="pretrain a language model on plain texts", description=__doc__)
    parser.add_argument("kind", choices=("bert_like", "elmo_like", "gpt_like"), help="what to pretrain")
    parser.add_argument("--dataset", action="append", required=True, metavar="NAME[:ROWS]",
                        help="texts to learn from, at most so many training rows (repeatable)")  # fmt: skip
    parser.add_argument("--source", choices=("folder", "hub"), default="folder", help="where the data sets are")
    parser.add_argument("--size", action="append", default=[], metavar="NAME=VALUE", help="such as width=128, layers=2")
    parser.add_argument("--name", help="name of the base; default: the kind")
    parser.add_argument("--threads", type=int, default=1, help="torch threads (default: 1)")
    parser.add_argument("--work", type=Path, default=Path("runs/pretrain"), help="where an unfinished run is kept")
    parser.add_argument("--out", type=Path, default=Path("runs/bases"), help="folder of bases (default: runs/bases)")
    kinds = {field.name: field for field in fields(Plan)}
    for name in _FLAGS:
        default: Any = kinds[name].default
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=type(default), default=default, help=f"default: {default}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Pretrain, write the base's files, print its held-out scores; a killed run goes on where it stopped."""
    import torch

    from models.data import load
    from models.pretraining.corpus import read_corpus
    from models.pretraining.kinds import KINDS
    from models.pretraining.plan import Plan
    from models.pretraining.publish import publish_base
    from models.pretraining.trainer import pretrain, run_key

    torch.set_num_threads(args.threads)
    plan = Plan(
        args.kind, tuple(map(parse_dataset, args.dataset)), options(args.size),
        **{name: getattr(args, name) for name in _FLAGS},
    )  # fmt: skip
    corpus = read_corpus(
        [(load(name, source=args.source), rows or None) for name, rows in plan.datasets],
        max_words=plan.max_words, held_out=plan.held_out, seed=plan.seed,
    )  # fmt: skip
    torch.manual_seed(plan.seed)
    try:
        model = KINDS[plan.kind](corpus.counts(), corpus.vocabulary.words, **dict(plan.sizes))
    # An unknown size is a TypeError; a width of −1 is an error inside torch.
    except (TypeError, RuntimeError) as error:
        raise PoolScopeError(f"{plan.kind}: a size does not fit ({' '.join(str(error).split())})") from error
    folder = args.work / f"{plan.kind}-{run_key(plan, corpus)[:12]}"
    done = pretrain(model, plan, corpus, folder=folder, say=lambda line: print(line, flush=True))
    out = args.out / (args.name or plan.kind)
    for name, scores in publish_base(out, model, plan, corpus, done).items():
        pairs = [(part, key, value) for part, values in scores.items() for key, value in values.items()]
        shown = "   ".join(f"{part} {key} {value:.4g}" for part, key, value in pairs)
        print(f"{name:<11} {shown}")
    print(f"wrote {out}")
    return 0


def parse_dataset(text: str) -> tuple[str, int]:
    """Read ``name`` or ``name:rows``; 0 rows means all.

    Raises:
        PoolScopeError: the rows are no number.
    """
    name, colon, rows = text.partition(":")
    if not name or (colon and not rows.isdecimal()):
        raise PoolScopeError(f"The data set {text!r} came; expected NAME or NAME:ROWS, such as imdb:8000.")
    return name, int(rows or 0)
