"""``python -m models bench``: measure the app's analyses and write the tables into BENCHMARKS.md."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any, Final

SECTIONS: Final = ("analysis", "paths", "perturbations", "readers", "poolers", "debate", "experiments")


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    parser = subparsers.add_parser("bench", help="time analyses against separate Captum calls", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="timed rounds over all texts (default: 5)")
    parser.add_argument("--out", type=Path, default=Path("BENCHMARKS.md"), help="default: BENCHMARKS.md")
    parser.add_argument("--only", choices=SECTIONS, help="one section of the file (default: all)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure with one torch thread, print each section and write it."""
    import torch

    from models.bench.common import write_section
    from models.errors import PoolScopeError

    if args.runs < 1:
        raise PoolScopeError(f"--runs came as {args.runs}; expected 1 or more.")
    torch.set_num_threads(1)
    for name in SECTIONS if args.only is None else (args.only,):
        text = import_module(f"models.bench.{name}").report(args.runs)
        print(text)
        write_section(args.out, name, text)
    return 0
