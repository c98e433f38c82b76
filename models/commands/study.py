"""``python -m models study``: does attentive pooling with learnable norms beat attention? Run it and see."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import PoolScopeError

if TYPE_CHECKING:
    from models.data.dataset import Dataset
    from models.training.word_table import WordTable


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    parser = subparsers.add_parser("study", help="test whether APLN beats attention", description=__doc__)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, function in (
        ("plan", "print cells, runs and estimated hours", _plan),
        ("run", "train what is not done yet; may be killed and started again", _run),
        ("collect", "write the journals' runs into one Parquet file", _collect),
        ("report", "write STUDY.md from the Parquet file", _report),
    ):
        action = actions.add_parser(name, help=help_text)
        if name != "report":
            action.add_argument("--work", type=Path, default=Path("runs/study"), help="journals (default: runs/study)")
        if name in {"collect", "report"}:
            action.add_argument("--file", type=Path, help="Parquet file (default: the shipped one)")
        action.set_defaults(run=function)
        if name == "report":
            action.add_argument("--out", type=Path, default=Path("STUDY.md"), help="default: STUDY.md")
        if name == "run":
            action.add_argument("--shard", default="1/1", help="PART/PARTS, such as 1/2; parts may run side by side")
            action.add_argument("--only", default="", help="only cells whose task/encoder/variant contains this")
            action.add_argument("--source", choices=("folder", "hub"), default="folder", help="where data sets are")


def _plan(args: argparse.Namespace) -> int:
    from models.study.estimate import estimate

    print(estimate(args.work))
    return 0


def _run(args: argparse.Namespace) -> int:
    import torch

    from models.data import load
    from models.study.log import Shard
    from models.study.runner import run_study

    # One thread: several gain little on batches of 32, and times of different runs stay comparable.
    torch.set_num_threads(1)
    shard = Shard.parse(args.shard)
    loaded = lru_cache(maxsize=2)(lambda name: load(name, source=args.source))
    tables = partial(_plain_table, load=loaded, work=args.work)
    run_study(args.work, loaded, tables, shard=shard, only=args.only, say=lambda line: print(line, flush=True))
    return 0


def _collect(args: argparse.Namespace) -> int:
    from models.study import log
    from models.study.read import SHIPPED, in_order
    from models.study.table import write_table

    runs, said = log.one_basis(log.read(args.work))
    if not runs:
        raise PoolScopeError(f"{args.work} holds no run of the study; start it with: python -m models study run")
    file = args.file or SHIPPED
    write_table(in_order(runs), file)
    print("\n".join((*said, f"wrote {len(runs)} runs to {file} ({file.stat().st_size / 1024:.0f} KiB)")))
    return 0


def _report(args: argparse.Namespace) -> int:
    from models.study.page import page
    from models.study.read import load_study
    from models.study.summary import summarise

    study = load_study(args.file)
    args.out.write_text(page(study, summarise(study)), encoding="utf-8")
    print(f"wrote {args.out}")
    return 0


def _plain_table(task: str, load: Callable[[str], Dataset], work: Path) -> tuple[WordTable, str]:
    """Return the task's word table as word2vec left it, and its digest.

    It is shipped where a classifier reads it; elsewhere it is laid once more, in ``work``, from the same texts.
    """
    import json

    from models.zoo.build import word_table
    from models.zoo.catalogue import SHIPPED
    from models.zoo.recipes import PLANS

    plan = next(plan for plan in PLANS if plan.task == task)
    home = SHIPPED if plan.plain else work / "tables"
    table = word_table(plan, load, folder=home, work=work.parent)
    return table, json.loads((home / f"{task}.table.json").read_text(encoding="utf-8"))["sha256"]
