"""``python -m models debate``: the experiments of Jain & Wallace on every text of a test set."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import PoolScopeError

if TYPE_CHECKING:
    from models.classifier import PoolingClassifier
    from models.debate.alone import Item


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "debate", help="correlation, permutation and adversary over a test set", description=__doc__
    )
    parser.add_argument("--model", required=True, metavar="ID", help="a classifier, such as sst2/bilstm/attention")
    parser.add_argument("--data", metavar="NAME", help="a data set; default: the one it was trained on")
    parser.add_argument("--source", choices=("folder", "hub"), default="folder", help="where data sets are")
    parser.add_argument("--split", default="test", help="default: test")
    parser.add_argument("--limit", type=int, metavar="N", help="N texts drawn by chance, always the same")
    parser.add_argument("--epsilon", type=float, default=0.01, help="how far the adversary may move the output (.01)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the permutations (1)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="Parquet, a row per text and method")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="small columns (.npz) without texts: what ships")
    parser.add_argument("--faithfulness", type=Path, metavar="FILE",
                        help="also comprehensiveness, sufficiency, AOPC, log-odds, words to flip, soft variants, "
                        "infidelity and max-sensitivity: Parquet, a row per text and map; some hundred readings per "
                        "text, so begin with --limit")  # fmt: skip
    parser.add_argument("--operator", default="delete", metavar="HOW",
                        help="how --faithfulness takes words out: delete (default), mask, pad or mean")  # fmt: skip
    parser.add_argument("--zoo", type=Path, metavar="FOLDER", help="folder of classifiers; default: the shipped ones")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, write the file, print means per predicted class."""
    import torch

    from models.data import load
    from models.debate import run as debate
    from models.debate.alone import Options
    from models.debate.columns import columns, save
    from models.debate.rows import METHODS
    from models.experiments.adversary import AdversarialAttention
    from models.experiments.faithfulness import TextFaithfulness
    from models.experiments.permutation import PermutedAttention
    from models.zoo.store import load_classifier

    if args.limit is not None and args.limit < 1:
        raise PoolScopeError(f"--limit came as {args.limit}; expected 1 or more.")
    # The experiments know what they allow.
    AdversarialAttention(epsilon=args.epsilon)
    PermutedAttention(seed=args.seed)
    TextFaithfulness(operator=args.operator, seed=args.seed)
    torch.set_num_threads(1)
    classifier = load_classifier(args.model, args.zoo)
    dataset = load(args.data or classifier.spec.task, source=args.source)
    options = Options(args.epsilon, args.seed)
    items = debate.items_of(classifier, dataset, args.split, args.limit)
    key = debate.identity(classifier, dataset, args.split, args.limit, options)
    debate.run(classifier, items, args.out, key, options, say=lambda line: print(line, flush=True))
    found = columns(*debate.read(args.out), classifier.labels)
    for place, label in [(None, ""), *enumerate(classifier.labels)]:
        texts = int((found.values["predicted"] == place).sum()) if label else len(found.values["text"])
        if texts:
            print(f"\n{f'predicted {label}' if label else 'all texts'}: {texts:,}")
        for method, title in METHODS.items():
            said = found.falls(method, place)
            if said is not None:
                spread = "" if said.sd is None else f" ± {said.sd:.3f}"
                below = "" if said.significant is None else f", p ≤ .05 in {said.significant:.0%}"
                print(f"  {title:56} {said.mean:7.3f}{spread}{below}")
    if args.summary is not None:
        save(found, args.summary)
    if args.faithfulness is not None:
        faithfulness(classifier, items, key, args)
    return 0


def faithfulness(
    classifier: PoolingClassifier, items: Sequence[Item], key: dict[str, Any], args: argparse.Namespace
) -> None:
    """Measure every map of every text, write the file, print a line per map."""
    from models.debate import faith
    from models.debate.run import read

    asked = {name: value for name, value in key.items() if name != "epsilon"}
    out = faith.run(
        classifier, items, args.faithfulness, asked, args.operator, args.seed,
        say=lambda line: print(f"faithfulness: {line}", flush=True),
    )  # fmt: skip
    print(f"\nfaithfulness (words taken out by “{args.operator}”), means over the texts with a value (n)")
    for method, measures in faith.means(read(out)[1]).items():
        print(f"\n{method}" + ("" if measures else ": no value on any text"))
        for name, (value, n) in measures.items():
            print(f"  {name:24} {value:7.3f}  n = {n:,}, {faith.MEASURES[name]} is better")
