"""What the study runs, as data: fixed before the first run, so that no result can choose it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from models.study_records import StudyCellKey
from models.training.recipe import Options, Recipe

HEADLINE: Final = "apln A"
REFERENCE: Final = "attention"
SEEDS: Final = (1, 2, 3, 4, 5)
MAX_TOKENS: Final = 64
DEV_ROWS: Final = 600
TEST_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class StudyTask:
    """One data set of the study: what is learned from, how much of it, and a name for people."""

    task: str
    dataset: str
    train_rows: int = 3_000


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to pool: a pooler with its options under the name that tables show."""

    name: str
    pooler: str
    options: Options = ()


# sst2 learns from phrases, half of them five words or shorter: twice the rows, less to read.
TASKS: Final = (
    StudyTask("sst2", "sst2_phrases", 6_000),
    StudyTask("sst5", "sst5"),
    StudyTask("ag_news", "ag_news"),
    StudyTask("trec", "trec"),
    StudyTask("tweet_emotion", "tweet_emotion"),
    StudyTask("covid_fake_news", "covid_fake_news"),
    StudyTask("semeval2010_task8", "semeval2010_task8"),
    StudyTask("thucnews_titles", "thucnews_titles"),
    StudyTask("chnsenticorp", "chnsenticorp"),
    StudyTask("weibo_covid_emotion", "weibo_covid_emotion"),
)
ENCODERS: Final = ("cnn", "bilstm", "transformer", "pretrained")
# A few thousand rows feed no larger one, and two layers of 128 would take three times the hours.
ENCODER_OPTIONS: Final[dict[str, Options]] = {
    "transformer": (("ffn", 128), ("heads", 4), ("layers", 1), ("width", 64)),
    # The last layer alone, nothing tuned: the states are then the same for every pooler and run once.
    "pretrained": (("layers", "last"),),
}
# all-MiniLM-L6-v2 read English: on the Chinese tasks it would measure its unknown word.
ENGLISH_ONLY: Final = frozenset({"pretrained"})
CHINESE: Final = frozenset({"thucnews_titles", "chnsenticorp", "weibo_covid_emotion"})
VARIANTS: Final = (
    *(Variant(name, name) for name in ("mean", "max", "attention", "learned_norm", "gem")),
    *(Variant(f"apln {reading}", "apln", (("reading", reading),)) for reading in "ABC"),
)

ABLATION_TASKS: Final = ("sst2", "ag_news")
ABLATION_ENCODER: Final = "bilstm"
ABLATION_SEEDS: Final = (1, 2, 3)
LIMITS: Final = ("relu_clip", "sigmoid", "minmax_token", "minmax_matrix")
ABLATION: Final = tuple(
    Variant(
        f"A, {limit}, {form}, {'p per dimension' if each else 'one p'}", "apln",
        (("form", form), ("limit", limit), ("per_dimension", each), ("reading", "A")),
    )
    for limit, form, each in product(LIMITS, ("log", "pow"), (False, True))
)  # fmt: skip


def planned() -> Iterator[tuple[StudyCellKey, int]]:
    """Yield every (cell, seed) of the study; seed 1 of everything first, so that a part is balanced.

    Within a seed one task after the other: its texts are read once, its poolers stand together.
    """
    for seed in SEEDS:
        for task in TASKS:
            for encoder in ENCODERS:
                if encoder in ENGLISH_ONLY and task.task in CHINESE:
                    continue
                for variant in VARIANTS:
                    yield StudyCellKey("main", task.task, encoder, variant.name), seed
            if task.task in ABLATION_TASKS and seed in ABLATION_SEEDS:
                for variant in ABLATION:
                    yield StudyCellKey("ablation", task.task, ABLATION_ENCODER, variant.name), seed


def task_of(name: str) -> StudyTask:
    """Return the study's task of that name."""
    return next(task for task in TASKS if task.task == name)


def variant_of(key: StudyCellKey) -> Variant:
    """Return pooler and options of a cell."""
    return next(v for v in (VARIANTS if key.group == "main" else ABLATION) if v.name == key.variant)


def recipe_of(key: StudyCellKey, seed: int) -> Recipe:
    """Return the recipe of one run.

    One setting for every cell, from the defaults and the sweep in ``SWEEP.md`` (no pooler has a rate
    of its own): at most 6 epochs of batches of 32 at lr 0.002, stopped after 2 epochs without a better
    dev accuracy, the best one scored. Which rows are learned from is
    :func:`models.study.sample.sample`'s to say.
    """
    task, variant = task_of(key.task), variant_of(key)
    return Recipe(
        task=task.task, dataset=task.dataset, encoder=key.encoder, pooler=variant.pooler, seed=seed,
        encoder_options=ENCODER_OPTIONS.get(key.encoder, ()), pooler_options=variant.options, label=variant.name,
        vectors=None if key.encoder == "pretrained" else "task", tune_vectors=False, max_tokens=MAX_TOKENS,
        epochs=6, patience=2, batch_size=32, lr=2e-3,
    )  # fmt: skip
