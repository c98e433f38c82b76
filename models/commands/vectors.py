"""``python -m models vectors``: train word2vec on the texts of data sets, for ``train --vectors``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Literal

from models.errors import PoolScopeError


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    parser = subparsers.add_parser("vectors", help="train word vectors on your texts", description=__doc__)
    parser.add_argument("--dataset", required=True, action="append",
                        help="a named data set, a hub id, or a CSV, JSONL or Parquet file (repeatable)")  # fmt: skip
    parser.add_argument("--source", choices=("folder", "hub", "file"), default=None,
                        help="where the data sets are; guessed: files if they are, else the folder")  # fmt: skip
    parser.add_argument("--text-column", default="text", help="column of your file with the text")
    parser.add_argument("--label-column", default="label", help="column of your own file that holds the class")
    parser.add_argument("--out", type=Path, default=Path("vectors.npz"),
                        help="what to write: .npz, .vec or .txt (word2vec's text), .bin (its binary)")  # fmt: skip
    for name, default, help_text in (
        ("size", 100, "numbers per word"),
        ("window", 5, "words to either side that count as context"),
        ("epochs", 5, "passes over the texts"),
        ("seed", 1, "decides the start; the same texts and seed give the same vectors"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{help_text} (default: {default})")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read the training texts, never those kept for testing; train; write the vectors."""
    from models.data import load
    from models.training.word_table import skip_gram
    from models.vectors.write import check_ending, write_vectors

    check_ending(args.out)
    for name in ("size", "window", "epochs"):
        if getattr(args, name) < 1:
            raise PoolScopeError(f"--{name} came as {getattr(args, name)}; expected 1 or more")
    texts: list[str] = []
    for name in args.dataset:
        source: Literal["folder", "hub", "file"] = args.source or ("file" if Path(name).suffix else "folder")
        columns = {"text": args.text_column, "label": args.label_column} if source == "file" else {}
        texts += load(name, source=source, **columns).splits["train"].texts
    made = skip_gram(texts, size=args.size, window=args.window, epochs=args.epochs, seed=args.seed)
    write_vectors(args.out, made)
    print(f"wrote {args.out}: {len(made.words):,} words of {len(texts):,} texts, {made.size} numbers each")
    return 0
