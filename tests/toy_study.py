"""A synthetic study: every record real, every number drawn, one failed and some missing runs."""

from __future__ import annotations

import hashlib
import random

from models.study.design import ABLATION, VARIANTS
from models.study.read import study_of
from models.study_records import Study, StudyCellKey, StudyRun

TASKS = ("sst2", "ag_news", "trec")
ENCODERS = ("cnn", "bilstm")
SEEDS = (1, 2, 3)
GAINS = {"mean": 0.0, "max": 0.005, "attention": 0.01, "learned_norm": -0.005, "gem": 0.002,
         "apln A": 0.014, "apln B": 0.008, "apln C": 0.011}  # fmt: skip


def toy_run(key: StudyCellKey, seed: int, accuracy: float | None = None, **changes) -> StudyRun:
    """One run; ``accuracy`` None draws one from task, encoder, variant and seed."""
    variant = next(v for v in (*VARIANTS, *ABLATION) if v.name == key.variant)
    options = {"reading": "A", "limit": "relu_clip", "form": "log", "per_dimension": False, **dict(variant.options)}
    apln, power = variant.pooler == "apln", variant.pooler in {"apln", "gem", "learned_norm"}
    draw = random.Random(f"{key}{seed}")
    if accuracy is None:
        base = 0.6 + 0.1 * (sum(map(ord, key.task)) % 4) + 0.01 * len(key.encoder)
        accuracy = round(base + GAINS.get(key.variant, 0.0) + draw.gauss(0, 0.006), 4)
    p = draw.uniform(0.8, 2.5) if power else None
    fields = {
        "group": key.group, "task": key.task, "dataset": key.task, "encoder": key.encoder, "pooler": variant.pooler,
        "variant": key.variant, "seed": seed, "train_rows": 3000, "dev_rows": 400, "test_rows": 2000,
        **{name: options[name] if apln else None for name in ("reading", "limit", "form", "per_dimension")},
        "max_tokens": 64, "epochs": 4, "best_epoch": 3, "dev_accuracy": accuracy, "accuracy": accuracy,
        "macro_f1": accuracy - 0.01, "majority": 0.3, "dev_curve": (0.5, 0.6, accuracy, accuracy - 0.01),
        "p_mean": p, "p_min": p and p - 0.1, "p_max": p and p + 0.1, "seconds_per_epoch": 2.0 + draw.random(),
        "cpu_seconds_per_epoch": 1.0 + draw.random(), "overflow": 0 if power else None,
        "pow_overflow": draw.randrange(50) if power else None, "pow_terms": 10_000 if power else None,
        "parameters": 50_000, "failed": None, "recipe_key": hashlib.sha256(f"{key}{seed}".encode()).hexdigest()[:16],
        "data_digest": "d", "table_sha": "t", "software": "torch 0",
    }  # fmt: skip
    return StudyRun(**{**fields, **changes})


def failed(run_key: StudyCellKey, seed: int) -> StudyRun:
    """A run that diverged."""
    empty = dict.fromkeys(("best_epoch", "dev_accuracy", "macro_f1", "p_mean", "p_min", "p_max", "overflow",
                           "pow_overflow", "pow_terms", "seconds_per_epoch", "cpu_seconds_per_epoch"))  # fmt: skip
    run = toy_run(run_key, seed)
    fields = {name: getattr(run, name) for name in StudyRun.__slots__}
    return StudyRun(**{**fields, **empty, "accuracy": None, "dev_curve": (), "failed": "the loss became nan"})


def toy_plan():
    """Yield the plan of the synthetic study."""
    for seed in SEEDS:
        for task in TASKS:
            for encoder in ENCODERS:
                for variant in VARIANTS:
                    yield StudyCellKey("main", task, encoder, variant.name), seed
        for variant in ABLATION:
            yield StudyCellKey("ablation", "sst2", "bilstm", variant.name), seed


def toy_study(*, complete: bool = False) -> Study:
    """The whole synthetic study; unless ``complete``, one run failed and two were never run."""
    plan = list(toy_plan())
    if complete:
        return study_of([toy_run(key, seed) for key, seed in plan], plan)
    broken = StudyCellKey("ablation", "sst2", "bilstm", "A, minmax_token, pow, one p")
    absent = {(StudyCellKey("main", "trec", "cnn", "gem"), seed) for seed in (2, 3)}
    runs = [
        failed(key, seed) if (key, seed) == (broken, 2) else toy_run(key, seed)
        for key, seed in plan
        if (key, seed) not in absent
    ]
    return study_of(runs, plan)
