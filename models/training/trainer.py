"""The training loop: a recipe and a data set in, a trained classifier and its history out."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.assemble import assemble, base_of
from models.classifier import PoolingClassifier, pad_batch
from models.data.dataset import Dataset
from models.encoders.pretrained import PretrainedEncoder
from models.errors import PoolScopeError
from models.poolers.power import Exponent
from models.pretrained.base import open_pretrained
from models.pretrained.source import MINILM
from models.text import Vocabulary, WordTokenizer
from models.training import checkpoint
from models.training.batches import Rows, encode_splits, predict, shuffled_batches
from models.training.objective import Objective
from models.training.probe import probe
from models.training.recipe import Recipe
from models.training.scores import scores
from models.training.word_table import WordTable
from models.vectors import read_vectors

# Called after each batch with (epoch, batches done, batches in all, running loss, p or None).
Progress = Callable[[int, int, int, float, float | None], None]
P_POINTS_PER_EPOCH = 20


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run: the best classifier by dev accuracy, its scores and its history."""

    classifier: PoolingClassifier
    metrics: dict[str, dict[str, float]]
    history: list[dict[str, Any]]
    best_epoch: int
    seconds: float


def prepare(recipe: Recipe, dataset: Dataset, table: WordTable | None) -> PoolingClassifier:
    """Draw the initial weights of ``recipe`` and lay the word table under them."""
    torch.manual_seed(recipe.seed)
    if recipe.encoder == PretrainedEncoder.name:
        opened = open_pretrained(str(dict(recipe.encoder_options).get("base", MINILM)))
        size = opened.table.shape[1]
        return assemble(recipe, dataset.labels, opened.vocabulary, embedding_size=size, table=opened.table)
    base = base_of(recipe)
    if base is not None:
        size = base.table.shape[1]
        return assemble(recipe, dataset.labels, base.vocabulary, embedding_size=size, table=base.table)
    if table is not None:
        vocabulary, weights = table.vocabulary, table.weights
    else:
        tokenizer = WordTokenizer()
        texts = dataset.splits["train"].texts
        vocabulary = Vocabulary.build(
            texts, tokenizer, min_count=recipe.min_count, max_size=recipe.max_words
        )
        weights = None
        if recipe.vectors is not None:
            weights, _ = read_vectors(recipe.vectors, vocabulary).table(vocabulary, recipe.seed)
    size = recipe.embedding_size if weights is None else weights.shape[1]
    classifier = assemble(recipe, dataset.labels, vocabulary, embedding_size=size)
    with torch.no_grad():
        if weights is None:
            classifier.table.weight.normal_(0, 0.1)
            classifier.table.weight[0] = 0
        else:
            classifier.table.weight.copy_(weights)
    classifier.table.weight.requires_grad_(recipe.tune_vectors or weights is None)
    return classifier


def train(
    recipe: Recipe,
    dataset: Dataset,
    *,
    table: WordTable | None = None,
    probes: Sequence[str] = (),
    reader: Callable[[PoolingClassifier], PoolingClassifier] | None = None,
    folder: Path | None = None,
    device: torch.device | None = None,
    progress: Progress | None = None,
    epoch_done: Callable[[dict[str, Any]], None] | None = None,
    encoded: Mapping[str, Rows] | None = None,
    test: bool = True,
    prepared: PoolingClassifier | None = None,
    objective: Objective | None = None,
) -> Trained:
    """Train by AdamW on cross-entropy, stop early on dev accuracy, score the best epoch.

    Args:
        recipe: what to train; the seed decides initial weights, order and dropout.
        dataset: train, validation and (unless ``test`` is False) test split.
        table: the task's shared word table, if the recipe asks for one.
        probes: own sentences whose attention and τ(attention, gradient) are kept for every epoch.
        reader: from the classifier as it stands to the one that reads the probes, where what is trained
            cannot read a text, as over frozen states.
        folder: where the state after each epoch goes; a killed run goes on from there.
        device: where to compute; ``None`` is the CPU.
        progress: called after each batch.
        epoch_done: called with each epoch's history record.
        encoded: the splits as id rows, where the caller trains several classifiers on one table.
        test: score the test split too (a sweep must not).
        prepared: what to train in place of :func:`prepare`'s classifier, as one that reads frozen states.
        objective: what to minimise in place of the cross-entropy alone, as a twin does.

    Raises:
        PoolScopeError: a text without a token, an unusable option, or a loss that is not finite.
    """
    start = time.perf_counter()
    classifier = (prepared or prepare(recipe, dataset, table)).to(device)
    optimizer = torch.optim.AdamW(_groups(classifier, recipe))
    rows = dict(encoded or encode_splits(classifier, dataset))
    labels = {name: list(split.labels) for name, split in dataset.splits.items()}
    if recipe.train_limit is not None:
        picked = picked_rows(len(rows["train"]), recipe)
        rows["train"], labels["train"] = [rows["train"][i] for i in picked], [labels["train"][i] for i in picked]
    classifier.encoder.collect(rows["train"])
    objective = objective or Objective()

    history: list[dict[str, Any]] = []
    best: dict[str, Tensor] = {}
    key = run_key(recipe, dataset, classifier, objective)
    restored = checkpoint.resume(folder, classifier, optimizer, key) if folder else None
    if restored is not None:
        best, saved = restored
        history = saved["history"]
    # A run that was taken up again took the time of its earlier part too.
    earlier = sum(record["seconds"] for record in history)
    for epoch in range(len(history) + 1, recipe.epochs + 1):
        if _exhausted(history, recipe.patience):
            break
        record = _epoch(classifier, optimizer, recipe, objective, rows["train"], labels["train"], epoch, progress)
        logits = predict(classifier, rows["validation"], device=device, weigh=objective.weigh)
        record |= {f"dev_{name}": value for name, value in scores(logits, labels["validation"]).items()}
        record |= objective.watch(classifier, rows["validation"])
        record["probes"] = probe(reader(classifier) if reader else classifier, probes)
        history.append(record)
        if epoch_done is not None:
            epoch_done(record)
        if _best(history) == epoch:
            best = {name: value.detach().clone() for name, value in checkpoint.trainable(classifier).items()}
        if folder:
            note = {"run": key, "epoch": epoch, "history": history}
            checkpoint.save(folder, classifier, best, optimizer, note)
    classifier.load_state_dict(best, strict=False)
    classifier.eval()
    splits = ("validation", "test") if test else ("validation",)
    answers = {name: predict(classifier, rows[name], device=device, weigh=objective.weigh) for name in splits}
    metrics = {name: scores(logits, labels[name]) for name, logits in answers.items()}
    return Trained(classifier.cpu(), metrics, history, _best(history), earlier + time.perf_counter() - start)


def picked_rows(count: int, recipe: Recipe) -> list[int]:
    """Return which of ``count`` training rows the recipe reads: the first of a seeded shuffle, or all."""
    if recipe.train_limit is None:
        return list(range(count))
    generator = torch.Generator().manual_seed(recipe.seed)
    picked: list[int] = torch.randperm(count, generator=generator)[: recipe.train_limit].tolist()
    return picked


def run_key(
    recipe: Recipe, dataset: Dataset, classifier: PoolingClassifier, objective: Objective | None = None
) -> str:
    """Return a digest of all that a run starts from; only a run that started alike may be resumed.

    The recipe alone would not do: the rows of a file, or the vectors it names, can change under it.
    """
    digest = hashlib.sha256(f"{recipe.key()}\n{dataset.digest}\n".encode())
    digest.update("\n".join(classifier.vocabulary.words).encode())
    digest.update(classifier.table.weight.detach().cpu().contiguous().numpy().tobytes())
    digest.update(objective.key.encode() if objective else b"")
    return digest.hexdigest()


def exponent_now(classifier: PoolingClassifier) -> list[float] | None:
    """Return the pooler's effective p: the number itself, or (min, median, max) of many."""
    found = [module for module in classifier.pooler.modules() if isinstance(module, Exponent)]
    if not found:
        return None
    p = found[0]().detach().float().cpu()
    return [float(p)] if p.numel() == 1 else [float(p.min()), float(p.median()), float(p.max())]


def _epoch(
    classifier: PoolingClassifier,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    objective: Objective,
    rows: Sequence[Sequence[int]],
    labels: Sequence[int],
    epoch: int,
    progress: Progress | None,
) -> dict[str, Any]:
    start = time.perf_counter()
    device = classifier.head.weight.device
    # One seed an epoch: order and dropout do not depend on what ran before, so resuming is exact.
    torch.manual_seed(recipe.seed * 10_007 + epoch)
    batches = shuffled_batches(rows, recipe.batch_size, recipe.seed * 10_007 + epoch)
    stride = max(1, math.ceil(len(batches) / P_POINTS_PER_EPOCH))
    total, seen, trajectory = 0.0, 0, []
    classifier.train()
    for number, picked in enumerate(batches, start=1):
        ids, mask = pad_batch([rows[i] for i in picked], device)
        target = torch.tensor([labels[i] for i in picked], device=device)
        # A pooler's powers need all the bits there are; a product of matrices does not.
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            hidden = classifier.encode(classifier.embed(ids), mask)
        hidden = hidden.to(classifier.head.weight.dtype)
        loss = objective.loss(classifier, ids, classifier.grouped(ids, mask), hidden, target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in classifier.parameters() if p.requires_grad], 5.0)
        optimizer.step()
        total += float(loss.detach()) * len(picked)
        seen += len(picked)
        p = exponent_now(classifier) if (number % stride == 0 or number == len(batches)) else None
        if p is not None:
            trajectory.append([round(epoch - 1 + number / len(batches), 4), *(round(v, 4) for v in p)])
        if progress is not None:
            progress(epoch, number, len(batches), total / seen, p[len(p) // 2] if p else None)
    if not math.isfinite(total):
        raise PoolScopeError(
            f"{recipe.id}: the loss became {total} in epoch {epoch}; expected a finite number: lower lr or p_lr"
        )
    return {
        "epoch": epoch,
        "loss": total / seen,
        "p": exponent_now(classifier),
        "p_trajectory": trajectory,
        "seconds": time.perf_counter() - start,
    }


def _groups(classifier: PoolingClassifier, recipe: Recipe) -> list[dict[str, Any]]:
    """Exponents get their own rate and no decay: decay would pull ρ to 0, an arbitrary p."""
    exponents = {
        id(module.rho) for module in classifier.modules() if isinstance(module, Exponent)
    }
    learned = [p for p in classifier.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if id(p) not in exponents], "lr": recipe.lr,
         "weight_decay": recipe.weight_decay},
        {"params": [p for p in learned if id(p) in exponents], "lr": recipe.p_lr, "weight_decay": 0.0},
    ]  # fmt: skip
    return [group for group in groups if group["params"]]


def _best(history: Sequence[dict[str, Any]]) -> int:
    """Return the 1-based epoch of the best dev accuracy or other dev score, the earliest on a tie."""
    values = [record.get("dev_score", record["dev_accuracy"]) for record in history]
    return values.index(max(values)) + 1


def _exhausted(history: Sequence[dict[str, Any]], patience: int) -> bool:
    return bool(history) and len(history) - _best(history) >= patience
