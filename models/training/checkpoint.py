"""Saving and resuming a run between epochs, in safetensors and JSON, never pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.classifier import PoolingClassifier

STATE = "state.safetensors"
PROGRESS = "progress.json"


def save(
    folder: Path,
    classifier: PoolingClassifier,
    best: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    progress: dict[str, Any],
) -> None:
    """Write weights, best weights, optimiser moments and ``progress``; a kill in between harms nothing.

    Each file is replaced as a whole and both name the epoch they belong to: a run that dies
    between the two writes is found out and starts from scratch rather than from a wrong state.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"now.{name}": value for name, value in trainable(classifier).items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    # Clones: safetensors refuses tensors that share memory, and best may alias the weights now.
    tensors = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    epoch = str(progress["epoch"])
    _replace(folder / STATE, lambda path: save_file(tensors, path, metadata={"epoch": epoch}))
    text = json.dumps(progress, ensure_ascii=False)
    _replace(folder / PROGRESS, lambda path: path.write_text(text, encoding="utf-8"))


def resume(
    folder: Path, classifier: PoolingClassifier, optimizer: torch.optim.Optimizer, run_key: str
) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Restore a run that started from the same things, or return ``None`` when there is none."""
    try:
        progress = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
        with safe_open(folder / STATE, framework="pt") as file:
            written_after = (file.metadata() or {}).get("epoch")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
    except (OSError, ValueError, SafetensorError):
        return None
    if not isinstance(progress, dict) or progress.get("run") != run_key:
        return None
    if str(progress["epoch"]) != written_after:
        return None
    now = {name[4:]: value for name, value in tensors.items() if name.startswith("now.")}
    best = {name[5:]: value for name, value in tensors.items() if name.startswith("best.")}
    if set(now) != set(trainable(classifier)):
        return None
    classifier.load_state_dict(now, strict=False)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            moments.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return best, progress


def trainable(classifier: PoolingClassifier) -> dict[str, Tensor]:
    """Return what a run changes or its pooler must remember: everything but what is borrowed and frozen."""
    frozen = classifier.borrowed() - ({"table.weight"} if classifier.table.weight.requires_grad else set())
    return {name: value for name, value in classifier.state_dict().items() if name not in frozen}


def _replace(path: Path, write: Any) -> None:  # noqa: ANN401  # any callable that takes a path
    draft = path.with_name(path.name + ".new")
    write(draft)
    draft.replace(path)
