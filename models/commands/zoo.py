"""``python -m models zoo``: list the classifiers, rebuild them, repeat the sweep behind their options."""

from __future__ import annotations

import argparse
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from models.zoo.catalogue import catalogue, find, problems, twins_of


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    parser = subparsers.add_parser("zoo", help="list or rebuild the shipped classifiers", description=__doc__)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="print every classifier with its scores")
    listing.add_argument("--twins", metavar="ID", help="list the twins of this classifier, with their distances to it")
    listing.add_argument("--folder", type=Path, help="a zoo folder of your own (default: the shipped one)")
    listing.set_defaults(run=_list)
    for name, help_text, function in (
        ("build", "train what is missing or out of date", _build),
        ("sweep", "repeat the sweep and write SWEEP.md", _sweep),
    ):
        action = actions.add_parser(name, help=help_text)
        action.add_argument("--task", help="only this task")
        action.add_argument("--only", default="", help="only classifiers whose id contains this")
        action.add_argument("--source", choices=("folder", "hub"), default="folder", help="where the data sets are")
        action.add_argument("--threads", type=int, default=1, help="torch threads (default: 1, as shipped)")
        action.add_argument("--work", type=Path, default=Path("runs"), help="unfinished runs (default: runs)")
        action.set_defaults(run=function)


def _list(args: argparse.Namespace) -> int:
    if args.twins:
        return _twins(args.twins, args.folder)
    print(f"{'id':<32} {'test acc':>8} {'macro-F1':>8}  learned p")
    for card in catalogue(args.folder):
        test = card.record["metrics"].get("test", {})
        p = next((q.values for q in card.learned if q.name == "p"), ())
        span = "" if not p else f"{p[0]:.2f}" if len(p) == 1 else f"{min(p):.2f} … {max(p):.2f}"
        print(f"{card.spec.id:<32} {test.get('accuracy', float('nan')):8.4f} {test.get('macro_f1', float('nan')):8.4f}"
              f"  {span}")  # fmt: skip
    for sentence in problems(args.folder):
        print(f"left out: {sentence}")
    return 0


def _twins(model_id: str, folder: Path | None) -> int:
    find(model_id, folder)
    print(f"{'id':<44} {'kind':<12} {'test acc':>8} {'macro-F1':>8} {'JSD':>7} {'TVD':>7} {'conicity':>8}")
    for card in twins_of(model_id, folder):
        test, said = card.record["metrics"]["test"], card.twin or {}
        print(f"{card.spec.id:<44} {said['kind']:<12} {test['accuracy']:8.4f} {test['macro_f1']:8.4f}"
              f" {said['jsd']:7.4f} {said['tvd']:7.4f} {said['conicity']:8.4f}")  # fmt: skip
    return 0


def _build(args: argparse.Namespace) -> int:
    from models.zoo.build import build, build_ngrams, build_pretrained
    from models.zoo.build_twins import build_twins
    from models.zoo.recipes import PLANS

    load = _loader(args)
    for plan in PLANS:
        if args.task in (None, plan.task):
            for work in (build, build_ngrams, build_pretrained, build_twins):
                work(plan, load, work=args.work, only=args.only, say=partial(print, flush=True))
    return 0


def _sweep(args: argparse.Namespace) -> int:
    from models.zoo import sweep
    from models.zoo.build import word_table
    from models.zoo.recipes import PLANS

    load = _loader(args)
    log = args.work / "sweep.jsonl"
    for setting in sweep.SETTINGS:
        if args.task in (None, setting.task):
            plan = next(plan for plan in PLANS if plan.task == setting.task)
            sweep.sweep(setting, load(setting.dataset), word_table(plan, load, work=args.work), log, args.only)
    Path("SWEEP.md").write_text(sweep.page(sweep.read_log(log)), encoding="utf-8")
    return 0


def _loader(args: argparse.Namespace) -> Any:  # noqa: ANN401  # a cached function
    import torch

    from models.data import load

    torch.set_num_threads(args.threads)
    return lru_cache(maxsize=4)(lambda name: load(name, source=args.source))
