"""The pretraining loop: a plan and a corpus in, a language model and its history out; a killed run goes on."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from models.errors import PoolScopeError
from models.pretraining.corpus import Corpus, word_batches
from models.pretraining.language_model import LanguageModel
from models.pretraining.plan import Plan

STATE = "state.safetensors"
# Steps between two lines of the log, and between two states on disk.
SAY_EVERY, SAVE_EVERY = 100, 500
FLOOR = 0.1


@dataclass(slots=True)
class Progress:
    """Where a run stands: the next epoch and batch, what each epoch said, and the seconds spent."""

    epoch: int
    batch: int
    history: list[dict[str, Any]]
    seconds: float


def pretrain(
    model: LanguageModel, plan: Plan, corpus: Corpus, *, folder: Path | None = None,
    say: Callable[[str], None] = print,
) -> Progress:  # fmt: skip
    """Train by AdamW, score the held-out texts after each epoch, keep the state in ``folder``.

    Order, hidden words and samples are drawn anew for each epoch and batch from the plan's seed, so that a
    run taken up again is the run that was cut off.

    Raises:
        PoolScopeError: the loss is not finite.
    """
    optimizer = torch.optim.AdamW(_groups(model, plan), lr=plan.lr, betas=(0.9, 0.98))
    key = run_key(plan, corpus)
    at = (_resume(folder, model, optimizer, key) if folder else None) or Progress(1, 0, [], 0.0)
    steps = None
    began = time.perf_counter() - at.seconds
    while at.epoch <= plan.epochs:
        rows = model.rows(corpus.train, plan.length, plan.seed * 1_009 + at.epoch)
        batches = word_batches(rows, plan.batch_words, plan.seed * 1_009 + at.epoch)
        steps = steps or len(batches) * plan.epochs
        model.train()
        sums: dict[str, list[float]] = {}
        for number in range(at.batch, len(batches)):
            seed = (plan.seed * 1_009 + at.epoch) * 1_000_003 + number
            torch.manual_seed(seed)
            loss = model.loss([rows[i] for i in batches[number]], torch.Generator().manual_seed(seed))
            _set_rate(optimizer, plan, (at.epoch - 1) * len(batches) + number, steps)
            optimizer.zero_grad(set_to_none=True)
            loss.objective.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if not math.isfinite(float(loss.objective.detach())):
                raise PoolScopeError(f"{plan.kind}: the loss became {float(loss.objective)}; lower lr")
            for name, (value, count) in loss.parts.items():
                entry = sums.setdefault(name, [0.0, 0.0])
                entry[0], entry[1] = entry[0] + value, entry[1] + count
            if (number + 1) % SAY_EVERY == 0:
                shown = "  ".join(f"{name} {value / max(1.0, n):.4f}" for name, (value, n) in sums.items())
                say(f"{plan.kind} epoch {at.epoch} batch {number + 1}/{len(batches)}: {shown}  "
                    f"({time.perf_counter() - began:.0f} s)")  # fmt: skip
                sums = {}
            if folder and (number + 1) % SAVE_EVERY == 0:
                _save(folder, model, optimizer, key,
                      Progress(at.epoch, number + 1, at.history, time.perf_counter() - began))  # fmt: skip
        scores = {name: model.scores(held, plan.length) for name, held in corpus.held_out.items()}
        record = {"epoch": at.epoch, "held_out": scores, "seconds": round(time.perf_counter() - began, 1)}
        say(json.dumps(record))
        at = Progress(at.epoch + 1, 0, [*at.history, record], time.perf_counter() - began)
        if folder:
            _save(folder, model, optimizer, key, at)
    model.eval()
    return at


def run_key(plan: Plan, corpus: Corpus) -> str:
    """Return a digest of all that a run starts from; only a run that started alike may be resumed."""
    words = "\n".join(corpus.vocabulary.words)
    facts = json.dumps(dict(corpus.facts), sort_keys=True)
    return hashlib.sha256(f"{plan.key()}\n{facts}\n{words}".encode()).hexdigest()


def rate(plan: Plan, step: int, steps: int) -> float:
    """Return the learning rate of ``step`` (from 0) of ``steps``: linear climb, then a cosine to a tenth."""
    if step < plan.warmup:
        return plan.lr * (step + 1) / plan.warmup
    part = (step - plan.warmup) / max(1, steps - plan.warmup)
    return plan.lr * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, part))))


def _set_rate(optimizer: torch.optim.Optimizer, plan: Plan, step: int, steps: int) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate(plan, step, steps)


def _groups(model: LanguageModel, plan: Plan) -> list[dict[str, Any]]:
    """Decay matrices only: norms and biases have no reason to be small."""
    learned = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in learned if p.dim() > 1], "weight_decay": plan.weight_decay},
        {"params": [p for p in learned if p.dim() < 2], "weight_decay": 0.0},
    ]


def _save(folder: Path, model: LanguageModel, optimizer: torch.optim.Optimizer, key: str, at: Progress) -> None:
    """Write one file as a whole: weights, moments, and where the run stands as its metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    note = {"run": key, "epoch": at.epoch, "batch": at.batch, "history": at.history, "seconds": at.seconds}
    draft = folder / (STATE + ".new")
    save_file({name: value.detach().clone().contiguous() for name, value in tensors.items()}, draft,
              metadata={"progress": json.dumps(note)})  # fmt: skip
    draft.replace(folder / STATE)


def _resume(folder: Path, model: LanguageModel, optimizer: torch.optim.Optimizer, key: str) -> Progress | None:
    """Restore a run that started from the same things, or return ``None`` when there is none."""
    try:
        with safe_open(folder / STATE, framework="pt") as file:
            note = json.loads((file.metadata() or {})["progress"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
    except (OSError, ValueError, KeyError, SafetensorError):
        return None
    if note.get("run") != key:
        return None
    model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, field = name.split(".", 2)
            moments.setdefault(int(index), {})[field] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return Progress(note["epoch"], note["batch"], note["history"], note["seconds"])
