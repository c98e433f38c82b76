"""``python -m models baselines``: list the bags of words, or train them by scikit-learn."""

from __future__ import annotations

import argparse
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.baselines.catalogue import SHIPPED, best_baseline, scores, tasks


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    parser = subparsers.add_parser("baselines", help="list or rebuild the bags of words", description=__doc__)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="print every baseline with its scores")
    listing.set_defaults(run=_list)
    build = actions.add_parser("build", help="train what is missing or out of date")
    build.add_argument("--task", help="only this task; any data set's name will do")
    build.add_argument("--source", choices=("folder", "hub"), default="folder", help="where the data sets are")
    build.set_defaults(run=_build)
    for action in (listing, build):
        action.add_argument("--folder", type=Path, default=SHIPPED, help="a folder of your own (default: shipped)")


def _list(args: argparse.Namespace) -> int:
    print(f"{'task':<22} {'baseline':<12} {'test acc':>8} {'macro-F1':>8}")
    for task in tasks(args.folder):
        best = best_baseline(task, args.folder)
        for name, (accuracy, macro_f1) in scores(task, args.folder).items():
            mark = "  best" if best and best.name == name else ""
            print(f"{task:<22} {name:<12} {accuracy:8.4f} {macro_f1:8.4f}{mark}")
    return 0


def _build(args: argparse.Namespace) -> int:
    from models.baselines.build import build
    from models.data import load
    from models.zoo.recipes import PLANS

    plans = {plan.task: tuple(dict.fromkeys((plan.task, plan.dataset))) for plan in PLANS}
    if args.task:
        plans = {args.task: plans.get(args.task, (args.task,))}
    read = lru_cache(maxsize=2)(lambda name: load(name, source=args.source))
    for task, names in plans.items():
        build(task, names, read, folder=args.folder, say=lambda line: print(line, flush=True))
    return 0
