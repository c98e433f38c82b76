"""The small sweep that chose the recipes' options, on dev sets only.

``python -m models zoo sweep`` runs every variant (resumable: finished ones are read back), and
writes the table ``SWEEP.md``. Test splits are never scored here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from models.data.dataset import Dataset
from models.training.batches import encode_splits
from models.training.recipe import Recipe
from models.training.trainer import prepare, train
from models.training.word_table import WordTable

ENCODERS = ("embedding", "cnn", "bilstm")
SEEDS = (1, 2)
# One seed is enough to see a rate that cripples a pooler.
ONE_SEED = ("Learning rate",)

# (group, pooler, what is varied, recipe fields)
Variant = tuple[str, str, str, dict[str, Any]]
VARIANTS: tuple[Variant, ...] = (
    *(
        ("APLN: scale limit", "apln", f"A, {limit}", {"pooler_options": {"limit": limit}})
        for limit in ("minmax_token", "minmax_matrix", "sigmoid", "relu_clip")
    ),
    *(
        ("APLN: reading", "apln", f"{reading}, relu_clip", {"pooler_options": {"reading": reading}})
        for reading in ("B", "C")
    ),
    ("APLN: initial p", "apln", "A, relu_clip, p from 2", {"pooler_options": {"p_initial": 2.0}}),
    ("APLN: p per dimension", "apln", "A, relu_clip, p per dimension", {"pooler_options": {"per_dimension": True}}),
    ("APLN: rate of p", "apln", "A, relu_clip, p_lr 0.03", {"p_lr": 3e-2}),
    *(
        ("Learned norm: start", "learned_norm", f"p from {p:g}, c from {c:g}",
         {"pooler_options": {"p_initial": p, "centre_initial": c}})
        for c in (0.0, -1.0) for p in (2.0, 4.0)
    ),
    *(
        ("Learning rate", pooler, f"lr {lr:g}", {"lr": lr})
        for pooler in ("mean", "max", "attention", "scaled_dot", "learned_norm", "apln")
        for lr in (1e-3, 2e-3)
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the sweep runs: a task, its data, and how many training rows."""

    task: str
    dataset: str
    train_limit: int
    encoders: tuple[str, ...] = ENCODERS
    groups: tuple[str, ...] | None = None
    changes: tuple[tuple[str, Any], ...] = ()


SETTINGS = (
    Setting("sst2", "sst2_phrases", 12_000),
    Setting("ag_news", "ag_news", 6_000, ("cnn", "bilstm"), ("APLN: scale limit", "APLN: reading"),
            (("batch_size", 128), ("lr", 2e-3))),
)  # fmt: skip


def runs(setting: Setting) -> Iterator[tuple[str, str, Recipe]]:
    """Yield (group, what is varied, recipe) for every run of ``setting``."""
    base = Recipe(
        setting.task, "cnn", "mean", dataset=setting.dataset, vectors="task", tune_vectors=False, epochs=4,
        train_limit=setting.train_limit,
    )  # fmt: skip
    for group, pooler, label, changes in VARIANTS:
        if setting.groups and group not in setting.groups:
            continue
        for encoder in setting.encoders:
            for seed in SEEDS[:1] if group in ONE_SEED else SEEDS:
                fields = {**dict(setting.changes), **changes}
                yield group, label, replace(base, encoder=encoder, pooler=pooler, seed=seed, **fields)


def sweep(setting: Setting, dataset: Dataset, table: WordTable, log: Path, only: str = "") -> None:
    """Train every variant that ``log`` (JSON lines) does not hold yet, and append its dev score.

    ``only`` leaves out recipes whose id does not contain it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    done = {record["key"] for record in read_log(log)}
    encoded = None
    for group, label, recipe in runs(setting):
        if only not in recipe.id or recipe.key() in done:
            continue
        encoded = encoded or encode_splits(prepare(recipe, dataset, table), dataset)
        trained = train(recipe, dataset, table=table, encoded=encoded, test=False)
        p = trained.history[trained.best_epoch - 1]["p"]
        record = {
            "key": recipe.key(), "task": setting.task, "group": group, "pooler": recipe.pooler, "variant": label,
            "encoder": recipe.encoder, "seed": recipe.seed, "dev": trained.metrics["validation"]["accuracy"], "p": p,
        }  # fmt: skip
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
        print(f"{setting.task} {recipe.encoder:<9} {recipe.pooler:<12} {label:<34} seed {recipe.seed}  "
              f"dev {record['dev']:.4f}  p {p}", flush=True)  # fmt: skip


def read_log(log: Path) -> list[dict[str, object]]:
    """Return the finished runs."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def page(records: Sequence[dict[str, object]]) -> str:
    """Return the whole page ``SWEEP.md``."""
    return (
        "# The sweep behind the shipped recipes\n\n"
        "Accuracy on the *dev* split, mean ± sd over seeds 1 and 2; test splits were not looked at. Every run is a "
        "row of the log that `python -m models zoo sweep` keeps, and every variant is shown. All read the task's plain "
        "word vectors, frozen, and a part of the training rows; rates were tried with one seed. Two seeds do not "
        "separate neighbours in this table: it is here to find settings that cripple a pooler. It chose APLN's scale "
        "limit, `relu_clip`, and found no other setting clearly better than the defaults.\n"
        + table_of(records)
        + "\n"
    )


def table_of(records: Sequence[dict[str, object]]) -> str:
    """Return the Markdown tables: mean ± sd of dev accuracy over seeds, one column per encoder."""
    lines = []
    for setting in SETTINGS:
        chosen = [r for r in records if r["task"] == setting.task]
        if not chosen:
            continue
        lines += [f"\n## {setting.task}: {setting.train_limit:,} training rows of {setting.dataset}\n"]
        lines += ["| what | pooler | variant | " + " | ".join(setting.encoders) + " | mean | p |"]
        lines += ["|---|---|---|" + "---|" * (len(setting.encoders) + 2)]
        rows = dict.fromkeys((r["group"], r["pooler"], r["variant"]) for r in chosen)
        for group, pooler, variant in rows:
            mine = [r for r in chosen if (r["group"], r["pooler"], r["variant"]) == (group, pooler, variant)]
            cells = [_cell([float(r["dev"]) for r in mine if r["encoder"] == e]) for e in setting.encoders]  # type: ignore[arg-type]
            overall = mean(float(r["dev"]) for r in mine)  # type: ignore[arg-type]
            ps = [p for r in mine if isinstance(r["p"], list) for p in (r["p"][0], r["p"][-1])]
            span = f"{min(ps):.2f} … {max(ps):.2f}" if ps else ""
            lines.append(f"| {group} | {pooler} | {variant} | " + " | ".join(cells) + f" | {overall:.4f} | {span} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")
