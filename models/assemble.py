"""From a recipe to an untrained classifier: the one place where names become modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from torch import Tensor

from models.classifier import PoolingClassifier
from models.encoders import ENCODERS
from models.encoders.based import BasedEncoder
from models.errors import PoolScopeError
from models.poolers import POOLERS
from models.pretraining.store import Base
from models.records import ModelSpec
from models.text import Vocabulary
from models.training.recipe import Options, Recipe

T = TypeVar("T")


def assemble(
    recipe: Recipe, labels: Sequence[str], vocabulary: Vocabulary, *, embedding_size: int | None = None,
    digest: str = "", table: Tensor | None = None,
) -> PoolingClassifier:  # fmt: skip
    """Build the classifier that ``recipe`` describes, with freshly drawn weights.

    ``table`` (V, E) is a word table to share in place of one of its own.

    Raises:
        UnknownNameError: the encoder or pooler is not registered.
        PoolScopeError: an option does not exist or has no meaning.
    """
    size = embedding_size or recipe.embedding_size
    encoder = _make(ENCODERS[recipe.encoder], recipe.encoder_options, size)
    pooler = _make(POOLERS[recipe.pooler], recipe.pooler_options, encoder.state_size)
    spec = ModelSpec(
        id=recipe.id,
        task=recipe.task,
        encoder=recipe.encoder,
        pooler=recipe.pooler,
        seed=recipe.seed,
        digest=digest,
        title=f"{encoder.title} · {pooler.title}" + (f", {pooler.variant}" if pooler.variant else "") + _manner(recipe),
        labels=tuple(labels),
    )
    return PoolingClassifier(
        spec, vocabulary, encoder, pooler,
        embedding_size=size, max_tokens=recipe.max_tokens, dropout=recipe.dropout, table=table,
    )  # fmt: skip


def base_of(recipe: Recipe) -> Base | None:
    """Return the base of a small language model that ``recipe`` reads its words from, or ``None``.

    Raises:
        UnknownNameError: the encoder is not registered.
        PoolScopeError: no such base, or a damaged one.
    """
    kind = ENCODERS[recipe.encoder]
    return kind.named(dict(recipe.encoder_options)) if issubclass(kind, BasedEncoder) else None


def _manner(recipe: Recipe) -> str:
    """What tells a twin's title from its base's: how it was trained, such as `` (adversarial, λ 0.001)``."""
    said = [f"λ {value}" if name == "lambda" else str(value) for name, value in recipe.twin_options if name != "of"]
    return f" ({', '.join([recipe.twin, *said])})" if recipe.twin else ""


def _make(maker: Callable[..., T], options: Options, size: int) -> T:
    try:
        return maker(size, **dict(options))
    except PoolScopeError:
        raise
    # An unknown option is a TypeError; a width of −1 is a ValueError or RuntimeError inside torch.
    except (TypeError, ValueError, RuntimeError) as error:
        raise PoolScopeError(f"{getattr(maker, 'name', maker)}: an option does not fit ({error})") from error
