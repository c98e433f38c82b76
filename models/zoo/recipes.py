"""Every shipped classifier, as data: the recipes that ``make train`` follows.

Options that differ from the recipe's defaults were chosen on dev sets by ``models.zoo.sweep``;
its table is in ``SWEEP.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from models.training.recipe import Option, Recipe

ENCODERS: Final = ("embedding", "cnn", "bilstm")
POOLERS: Final = ("mean", "max", "attention", "scaled_dot", "learned_norm", "apln")
# Bits per number of the matrices of encoders that weigh three BiLSTMs and more; sixteen elsewhere. What rounding did to
# the accuracy stands on each card.
WIDTHS: Final = {"transformer": 8, "gpt_like": 8, "bert_like": 8}
# Encoders that bring their own words.
BASED: Final = ("gpt_like", "bert_like", "elmo_like")
# As in their papers: ELMo's states are mixed and read as they are, GPT and BERT are fine-tuned.
OPTIONS: Final[dict[str, dict[str, Option]]] = {"bert_like": {"tune": True}, "gpt_like": {"tune": True}}
# What reads frozen states has little to learn and learns it at a higher rate; what is fine-tuned must not forget.
RATES: Final[dict[str, dict[str, Any]]] = {
    "elmo_like": {"lr": 1e-2, "epochs": 25, "patience": 5}, "gpt_like": {"lr": 1e-3}, "bert_like": {"lr": 1e-3},
}  # fmt: skip
# The other poolers of the research, in the order in which they are trained.
WIDER: Final = (
    "self_attention", "structured", "sparsemax", "entmax", "gated_attention", "gem", "log_sum_exp", "last",
    "hard_attention", "hard_reinforce", "apln_b", "apln_c", "apln_dims",
)  # fmt: skip
# Cells whose pooler has options of its own: the cell's name is its label.
VARIANTS: Final[dict[str, tuple[str, dict[str, Option]]]] = {
    "apln_b": ("apln", {"reading": "B"}),
    "apln_c": ("apln", {"reading": "C"}),
    "apln_dims": ("apln", {"per_dimension": True}),
}
DEEP: Final = ("cls", "mean", "max", "attention", "apln")
CORE: Final = ("mean", "max", "attention", "apln")

# Word vectors of the smaller tasks: training texts of all of them together, no labels. Data sets that may
# share texts with another task's test split (all of Amazon, the hotels of online_shopping) stay out.
ENGLISH: Final = (
    "imdb", "ag_news", "newsgroups20", "amazon_electronics", "amazon5", "tweet_sentiment", "tweet_emotion",
    "covid_fake_news", "liar", "semeval2010_task8", "trec", "convote_party", "sst2",
)  # fmt: skip
CHINESE: Final = ("chnsenticorp", "thucnews_titles", "weibo_rumor", "weibo_covid_emotion", "waimai")


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """What a task's classifiers share: data, word table, and the limits of its texts.

    The vocabulary is that of the training split of ``dataset``; the skip-gram vectors are trained
    on the training splits of ``corpora`` (texts only, no labels), then frozen, with ``bits`` per
    number. Encoders named in ``tuned`` read a second table instead: the same vectors moved once by
    :func:`tuning`. An encoder without context can learn sentiment or topic nowhere but in its
    words; and the vectors of the small news corpus left the CNN two points behind on dev (mean
    pooling .883, tuned .902). On the smaller tasks the choice was made on dev with bilstm/attention:
    tuning won by 1 to 5 points for topics, emotions and rumours, and lost 12 on relations, where
    order is all.

    The tuning of a pretrained encoder reads all training rows; ``pretrained_rows`` of them are enough for the
    poolers and heads over it, whose states take longer to compute than to learn from.
    """

    task: str
    dataset: str
    corpora: tuple[str, ...]
    encoders: tuple[str, ...] = ("bilstm",)
    poolers: tuple[str, ...] = CORE
    min_count: int = 1
    max_words: int = 20_000
    max_tokens: int = 256
    tuned: tuple[str, ...] = ("embedding",)
    bits: int = 16
    more: tuple[tuple[str, tuple[str, ...]], ...] = ()
    pretrained: tuple[str, ...] = ()
    pretrained_rows: int | None = None
    pretrained_epochs: int = 4
    pretrained_lr: float = 5e-4
    pretrained_tune: str = "biases"
    pretrained_precision: str = "float32"
    ngrams: tuple[str, ...] = ()
    changes: tuple[tuple[str, Any], ...] = ()

    @property
    def plain(self) -> bool:
        """Whether any classifier reads the table as word2vec left it."""
        return not {*self.encoders, *(encoder for encoder, _ in self.more)} <= {*self.tuned, *BASED}


def _small(task: str, corpora: tuple[str, ...] = ENGLISH, **fields: Any) -> TaskPlan:  # noqa: ANN401  # any field
    """A plan of the smaller tasks: twelve thousand words in 8 bits, a higher rate for fewer rows."""
    changes = {"lr": 2e-3, "epochs": 10, "patience": 3, **fields.pop("changes", {})}
    settled = {"max_words": 12_000, "tuned": ENCODERS, **fields, "changes": tuple(changes.items())}
    return TaskPlan(task, task, corpora, bits=8, **settled)


PLANS: Final = (
    TaskPlan("sst2", "sst2_phrases", ("imdb", "sst2"), ENCODERS, POOLERS,
             more=(("bilstm", WIDER), ("transformer", POOLERS)), pretrained=DEEP, pretrained_tune="low_rank",
             pretrained_epochs=2),
    TaskPlan("ag_news", "ag_news", ("ag_news",), ENCODERS, POOLERS,
             more=(("bilstm", WIDER), ("transformer", POOLERS)), min_count=2, tuned=(*ENCODERS, "transformer"),
             pretrained=DEEP, pretrained_tune="low_rank", pretrained_epochs=3, pretrained_lr=1e-3,
             pretrained_precision="bfloat16", pretrained_rows=20_000,
             changes=(("batch_size", 128), ("epochs", 5), ("lr", 2e-3), ("patience", 2))),
    TaskPlan("imdb", "imdb", ("imdb", "sst2"), ("bilstm",), ("mean", "attention", "apln"),
             more=(("bilstm", ("hierarchical", "three_tier", "max")),), min_count=2, max_tokens=400,
             changes=(("epochs", 5), ("lr", 2e-3))),
    _small("trec", max_tokens=64, more=tuple((encoder, CORE) for encoder in BASED), pretrained=DEEP,
           pretrained_epochs=8),
    _small("tweet_emotion", max_tokens=80),
    _small("covid_fake_news", max_tokens=128),
    _small("liar", max_tokens=96, tuned=("embedding",)),
    _small("semeval2010_task8", max_tokens=128, tuned=("embedding",), pretrained=DEEP, pretrained_tune="low_rank",
           pretrained_epochs=5, pretrained_lr=1e-3),
    _small("sst5", max_tokens=80),
    _small("weibo_covid_emotion", CHINESE, max_tokens=160),
    _small("thucnews_titles", CHINESE, max_tokens=48, ngrams=CORE),
    _small("weibo_rumor", CHINESE, max_tokens=200),
    _small("chnsenticorp", CHINESE, max_tokens=256, tuned=("embedding",)),
    _small("tweet_sentiment", max_tokens=80, changes={"epochs": 5, "patience": 2, "batch_size": 128}),
    _small("amazon_electronics", max_tokens=256, tuned=("embedding",)),
    _small("convote_party", max_tokens=200, tuned=("embedding",)),
    _small("newsgroups20", max_tokens=256, min_count=2),
)  # fmt: skip


def recipes(plan: TaskPlan) -> Iterator[Recipe]:
    """Yield the recipes of one task, encoder by encoder."""
    for encoder, poolers in (*((encoder, plan.poolers) for encoder in plan.encoders), *plan.more):
        for name in poolers:
            pooler, options = VARIANTS.get(name, (name, {}))
            yield Recipe(
                task=plan.task, dataset=plan.dataset, encoder=encoder, pooler=pooler,
                pooler_options=tuple(options.items()), label=name if name in VARIANTS else "",
                encoder_options=tuple(OPTIONS.get(encoder, {}).items()),
                vectors=_vectors(plan, encoder), tune_vectors=False,
                min_count=plan.min_count, max_words=plan.max_words, max_tokens=plan.max_tokens,
                **{**dict(plan.changes), **RATES.get(encoder, {})},
            )  # fmt: skip


def _vectors(plan: TaskPlan, encoder: str) -> str | None:
    if encoder in BASED:
        return None
    return "task-tuned" if encoder in plan.tuned else "task"


LARGE_TUNING: Final[dict[str, Any]] = {"batch_size": 256, "lr": 2e-3, "epochs": 4, "patience": 1}
# A few thousand rows make few steps an epoch: smaller batches, more epochs, and dev accuracy says when to stop.
SMALL_TUNING: Final[dict[str, Any]] = {"batch_size": 64, "lr": 2e-3, "epochs": 12, "patience": 2}


def pretrained_recipes(plan: TaskPlan) -> Iterator[Recipe]:
    """Yield the recipes over the task's tuned pretrained encoder."""
    for pooler in plan.pretrained:
        yield _pretrained(plan, pooler, epochs=10, patience=3, lr=1e-3)


def pretrained_tuning(plan: TaskPlan) -> Recipe:
    """Return the recipe of the one pass that tunes the pretrained encoder."""
    return _pretrained(
        plan, "mean", label="encoder", epochs=plan.pretrained_epochs, patience=1,
        lr=plan.pretrained_lr, batch_size=32, precision=plan.pretrained_precision, train_limit=None,
    )  # fmt: skip


def _pretrained(plan: TaskPlan, pooler: str, **fields: Any) -> Recipe:  # noqa: ANN401  # any field
    return Recipe(
        task=plan.task, dataset=plan.dataset, encoder="pretrained", pooler=pooler,
        encoder_options={"tune": plan.pretrained_tune}, tune_vectors=False, max_tokens=plan.max_tokens, dropout=0.1,  # type: ignore[arg-type]
        **{"train_limit": plan.pretrained_rows, **fields},
    )  # fmt: skip


def ngram_recipes(plan: TaskPlan) -> Iterator[Recipe]:
    """Yield the recipes over the task's n-grams."""
    for pooler in plan.ngrams:
        yield _ngram(plan, pooler, epochs=15, patience=4, lr=2e-3, dropout=0.1)


def ngram_tuning(plan: TaskPlan) -> Recipe:
    """Return the recipe of the one pass that learns the vectors of the task's n-grams.

    Thousands of vectors from thousands of texts: nothing but much dropout, on states alone, keeps them from
    learning the training texts by heart.
    """
    return _ngram(plan, "mean", label="ngrams", epochs=25, patience=4, lr=2e-3, dropout=0.0)


def _ngram(plan: TaskPlan, pooler: str, **fields: Any) -> Recipe:  # noqa: ANN401  # any field
    return Recipe(
        task=plan.task, dataset=plan.dataset, encoder="ngram", pooler=pooler,
        # The table that is shipped anyway.
        vectors="task" if plan.plain else "task-tuned",
        tune_vectors=False, min_count=plan.min_count, max_words=plan.max_words, max_tokens=plan.max_tokens,
        encoder_options=(("dropout", 0.6),), **fields,
    )  # fmt: skip


def tuning(plan: TaskPlan) -> Recipe:
    """Return the recipe of the one supervised pass that moves a task's word vectors.

    It trains the plainest classifier there is, mean-pooled embeddings, which prefers no token and
    so no pooler; what it learns besides the vectors is thrown away.
    """
    return Recipe(
        task=plan.task, dataset=plan.dataset, encoder="embedding", pooler="mean", label="words",
        vectors="task", tune_vectors=True, min_count=plan.min_count, max_words=plan.max_words,
        max_tokens=plan.max_tokens, **(SMALL_TUNING if plan.bits == 8 else LARGE_TUNING),
    )  # fmt: skip
