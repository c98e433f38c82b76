"""``python -m models tables``: print the README's tables, or write them into it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    parser = subparsers.add_parser("tables", help="make the README's tables anew", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="a Markdown file with table marks")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print every table, or fill in the marks of a file."""
    from models.tables import TABLES, fill

    if args.write is None:
        print("\n\n".join(table() for table in TABLES.values()))
    else:
        args.write.write_text(fill(args.write.read_text(encoding="utf-8")), encoding="utf-8")
    return 0
