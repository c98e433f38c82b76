"""``python -m models train``: one recipe from the command line to a classifier in a folder."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tqdm import tqdm

from models.commands.names import names
from models.commands.values import options
from models.errors import PoolScopeError
from models.training.recipe import PRECISIONS, Recipe

if TYPE_CHECKING:
    import torch

    from models.data.dataset import Dataset
    from models.training.word_table import WordTable

# Recipe fields that are plain numbers or words become flags of the same name.
_FLAGS = (
    "seed", "epochs", "patience", "batch_size", "lr", "p_lr", "weight_decay", "dropout", "max_tokens", "min_count",
    "max_words", "embedding_size", "train_limit", "label", "precision",
)  # fmt: skip


def register(subparsers: Any) -> None:  # noqa: ANN401  # argparse keeps the class of its sub-parsers private
    """Add the subcommand."""
    parser = subparsers.add_parser("train", help="train one classifier", description=__doc__)
    parser.add_argument("--dataset", required=True, help="a named data set, a hub id, or a CSV, JSONL or Parquet file")
    parser.add_argument("--source", choices=("folder", "hub", "file"), default=None,
                        help="where the data set is; guessed: a file if --dataset is one, else the folder")  # fmt: skip
    parser.add_argument("--text-column", default="text", help="column of your file with the text")
    parser.add_argument("--label-column", default="label", help="column of your own file that holds the class")
    parser.add_argument("--task", help="name of the task in the classifier's id; default: the data set's name")
    parser.add_argument("--encoder", choices=names("encoders"), default="bilstm")
    parser.add_argument("--pooler", choices=names("poolers"), default="attention")
    parser.add_argument("--encoder-option", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--pooler-option", action="append", default=[], metavar="NAME=VALUE",
                        help="such as reading=B, limit=sigmoid, per_dimension=true")  # fmt: skip
    parser.add_argument("--vectors", help="file of word vectors: GloVe, word2vec, fastText or .npz, gzip'ed or not")
    parser.add_argument("--freeze-vectors", action="store_true", help="leave the static vectors as they are")
    parser.add_argument("--probe", action="append", default=[], metavar="TEXT",
                        help="own sentence whose attention is kept for every epoch (repeatable)")  # fmt: skip
    parser.add_argument("--device", help="cpu, cuda, mps; default: the best there is")
    parser.add_argument("--threads", type=int, help="torch threads on the CPU")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of classifiers (default: runs)")
    kinds = {field.name: field for field in fields(Recipe)}
    for name in _FLAGS:
        default = kinds[name].default
        kind = int if name == "train_limit" else type(default)
        choices = PRECISIONS if name == "precision" else None
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=kind, default=default, choices=choices, help=f"default: {default}"
        )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, write weights and card, print the scores; a killed run goes on where it stopped."""
    # Heavy imports stay inside, so that `--help` answers at once.
    import torch

    from models.data import load
    from models.training.trainer import train
    from models.zoo.publish import publish

    if args.threads:
        torch.set_num_threads(args.threads)
    source: Literal["folder", "hub", "file"] = args.source or ("file" if Path(args.dataset).suffix else "folder")
    columns = {"text": args.text_column, "label": args.label_column} if source == "file" else {}
    dataset = load(args.dataset, source=source, **columns)
    recipe = Recipe(
        # A hub id has a slash, which the classifier's own id already uses.
        task=args.task or dataset.name.replace("/", "-"),
        dataset=dataset.name,
        encoder=args.encoder,
        pooler=args.pooler,
        encoder_options=options(args.encoder_option),
        pooler_options=options(args.pooler_option),
        vectors=args.vectors,
        tune_vectors=not args.freeze_vectors,
        **{name: getattr(args, name) for name in _FLAGS},
    )
    table = _own_vectors(recipe, dataset)
    with _Bar(recipe.epochs) as bar:
        folder = args.out / recipe.task / "unfinished" / recipe.id.replace("/", "-")
        trained = train(
            recipe, dataset, table=table, probes=args.probe, folder=folder, device=pick_device(args.device),
            progress=bar.step, epoch_done=bar.epoch,
        )  # fmt: skip
    card = publish(args.out, recipe, dataset, trained, found=table.found if table else None)
    for split, values in trained.metrics.items():
        print(f"{split:<11} accuracy {values['accuracy']:.4f}   macro-F1 {values['macro_f1']:.4f}")
    print(f"wrote {card.path}")
    return 0


def _own_vectors(recipe: Recipe, dataset: Dataset) -> WordTable | None:
    """Lay the user's vectors under the words of the training texts; say how many of them have one."""
    from models.text import Vocabulary, WordTokenizer
    from models.training.word_table import WordTable

    if recipe.vectors is None:
        return None
    if recipe.encoder == "pretrained":
        raise PoolScopeError("--vectors came with a pretrained encoder, which has words of its own; leave one away")
    texts = dataset.splits["train"].texts
    vocabulary = Vocabulary.build(texts, WordTokenizer(), min_count=recipe.min_count, max_size=recipe.max_words)
    table = WordTable.from_file(recipe.vectors, vocabulary, recipe.seed)
    words = len(vocabulary) - 2
    print(f"vectors     {table.found or 0:.1%} of {words:,} words found in {Path(recipe.vectors).name}", flush=True)
    return table


def pick_device(name: str | None) -> torch.device:
    """Return the named device, or the fastest kind this machine has."""
    import torch

    if name:
        try:
            device = torch.device(name)
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).split("\n")[0]
            raise PoolScopeError(f"device {name!r} cannot be used ({reason}); leave --device away") from error
        return device
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class _Bar:
    """Progress on standard error: one bar per epoch with loss, p and the last dev score."""

    def __init__(self, epochs: int) -> None:
        self._epochs, self._bar, self._dev = epochs, tqdm(file=sys.stderr, disable=None), ""

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def step(self, epoch: int, done: int, batches: int, loss: float, p: float | None) -> None:
        """Show one more batch."""
        if done == 1:
            self._bar.reset(total=batches)
        self._bar.set_description(f"epoch {epoch}/{self._epochs}", refresh=False)
        shown = f"loss {loss:.4f}" + (f"  p {p:.3f}" if p is not None else "") + self._dev
        self._bar.set_postfix_str(shown, refresh=False)
        self._bar.update(1)

    def epoch(self, record: dict[str, Any]) -> None:
        """Keep the dev score for the next bar, and leave a line where no bar is drawn."""
        self._dev = f"  dev {record['dev_accuracy']:.4f}"
        line = f"epoch {record['epoch']}: loss {record['loss']:.4f}{self._dev}"
        tqdm.write(line + (f"  p {record['p']}" if record["p"] else ""), file=sys.stderr)
