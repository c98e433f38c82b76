"""The tests' zoo with films: histories with probes, a second seed, a card without a history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app_zoo import make_zoo

from models.text import WordTokenizer
from models.zoo.probes import PROBES

EPOCHS = 3


def make_film_zoo(folder: Path) -> Path:
    """Give every sst2 classifier a film of three epochs; ``cnn/max`` has no history, ``bilstm/mean`` a second seed."""
    make_zoo(folder)
    for path in sorted((folder / "sst2").glob("*-*.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        card["history"] = [] if card["id"] == "sst2/cnn/max" else history(card)
        card["parameters"], card["best_epoch"] = 1234, 2
        if card["id"] == "sst2/bilstm/mean":
            twin = {**card, "id": "sst2/bilstm/mean@2", "seed": 2,
                    "metrics": {"test": {"accuracy": 0.85, "macro_f1": 0.84}}}  # fmt: skip
            path.with_name("bilstm-mean-2.json").write_text(json.dumps(twin), encoding="utf-8")
        path.write_text(json.dumps(card), encoding="utf-8")
    return folder


def history(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Three epochs: all weight wanders to the last word of every sentence; APLN's p falls."""
    attends = card["pooler"] in ("attention", "apln", "scaled_dot")
    norm = card["pooler"] in ("apln", "learned_norm")
    return [
        {
            "epoch": epoch, "loss": 1 / epoch, "dev_accuracy": 0.7 + epoch / 100,
            "p_trajectory": [[epoch - 0.5, 1.5 / epoch], [epoch, 1.4 / epoch]] if norm else [],
            "probes": [shot(text, epoch, attends) for text in PROBES["sst2"]],
        }
        for epoch in range(1, EPOCHS + 1)
    ]  # fmt: skip


def shot(text: str, epoch: int, attends: bool) -> dict[str, Any]:
    """One sentence after one epoch."""
    words = len(WordTokenizer()(text))
    last = (0.1, 0.6, 0.61)[epoch - 1]
    weights = [round((1 - last) / (words - 1), 4)] * (words - 1) + [last]
    return {
        "attention": weights,
        "probabilities": [0.2 * epoch, 1 - 0.2 * epoch],
        "tau": 0.1 * epoch if attends else None,
    }
