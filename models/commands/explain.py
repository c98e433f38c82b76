"""``python -m models explain``: what a shipped classifier says about a text, and why."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.commands.values import named_value
from models.errors import PoolScopeError
from models.records import SCALARS, MethodCall, Param, Request

_CALL = re.compile(r"\s*(?P<name>\w+)\s*(?:\[(?P<params>[^\]]*)\])?\s*(?:,|$)")


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    parser = subparsers.add_parser("explain", help="explain the prediction for one text", description=__doc__)
    parser.add_argument("text", help="the text to read, in quotes")
    parser.add_argument("--model", required=True, metavar="ID", help="a classifier, such as sst2/bilstm/apln")
    parser.add_argument(
        "--methods", metavar="NAMES",
        help="names with commas between, such as attention,input_gradient[attention=detached]; "
        "default: all that are neither controls nor read hundreds of texts",
    )  # fmt: skip
    parser.add_argument(
        "--target", metavar="CLASS", help="name or number of a class; default: the predicted one"
    )
    parser.add_argument(
        "--against", metavar="CLASS", help="explain the logit of the target over that of this class"
    )
    parser.add_argument(
        "--scalar", choices=SCALARS, default="logit",
        help="what of the target is explained: its logit (default), probability, or margin over the next class",
    )  # fmt: skip
    parser.add_argument(
        "--delete", type=_places, default=(), metavar="N,N", help="token numbers to delete first"
    )
    parser.add_argument("--mask", type=_places, default=(), metavar="N,N", help="token numbers to mask first")
    parser.add_argument(
        "--zoo", type=Path, metavar="FOLDER", help="folder of classifiers; default: the shipped ones"
    )
    parser.add_argument("--json", action="store_true", help="print the whole record as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Analyse the text and print a table, or the record as JSON."""
    # Heavy imports stay inside, so that `--help` answers at once.
    import torch

    from models.analysis import analyse
    from models.attribution import METHODS
    from models.report import as_record, as_text
    from models.zoo.store import load_classifier

    usual = tuple(MethodCall(name) for name, method in METHODS.items() if not method.on_demand)
    calls = parse_calls(args.methods) if args.methods is not None else usual
    torch.set_num_threads(1)
    classifier = load_classifier(args.model, args.zoo)
    target = parse_target(args.target, classifier.labels, classifier.spec.labels)
    against = parse_target(args.against, classifier.labels, classifier.spec.labels)
    request = Request(
        args.text, calls, target, deleted=args.delete, masked=args.mask, scalar=args.scalar, against=against
    )
    analysis = analyse(classifier, request)
    if args.json:
        print(json.dumps(as_record(analysis), ensure_ascii=False, indent=2, allow_nan=False))
    else:
        print(as_text(analysis), end="")
    return 0


def parse_calls(text: str) -> tuple[MethodCall, ...]:
    """Read ``name,name[param=value, …]`` into method calls; names are checked when they are built.

    Raises:
        PoolScopeError: the text is not of that form.
    """
    calls, position = [], 0
    while position < len(text):
        match = _CALL.match(text, position)
        if match is None:
            raise PoolScopeError(
                f"The methods {text!r} came; expected names such as attention,saliency[norm=l1]."
            )
        calls.append(
            MethodCall(match["name"], tuple(map(_param, filter(None, (match["params"] or "").split(",")))))
        )
        position = match.end()
    return tuple(calls)


def parse_target(text: str | None, labels: Sequence[str], trained: Sequence[str] = ()) -> int | None:
    """Read a class by its name for people, the one it was trained with, or its number; ``None`` is the predicted one.

    Raises:
        PoolScopeError: no class has that name or number.
    """
    if text is None:
        return None
    names = {label.casefold(): i for called in (trained, labels) for i, label in enumerate(called)}
    names |= {str(i): i for i in range(len(labels))}
    if text.casefold() not in names:
        raise PoolScopeError(f"There is no class {text!r}; choose one of: {', '.join(labels)}.")
    return names[text.casefold()]


def _param(text: str) -> tuple[str, Param]:
    return named_value(text, "The parameter", "name=value, such as norm=l1.")


def _places(text: str) -> tuple[int, ...]:
    try:
        places = tuple(int(part) for part in text.split(","))
    except ValueError:
        places = (-1,)
    if min(places) < 0:
        raise argparse.ArgumentTypeError(f"{text!r} came; expected token numbers from 0, such as 3,7")
    return places
