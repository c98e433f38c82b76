"""What a bag of words says about a text, as the same record that the trained readers give."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from models.baselines.features import Features
from models.baselines.kinds.base import Baseline, Parts
from models.baselines.store import BagOfWords
from models.errors import PoolScopeError
from models.records import Analysis, Attribution, PoolingTrace, Prediction, Request, Token
from models.text import WordTokenizer, lookup_key

METHOD: Final = "exact_share"
NOTHING_KNOWN: Final = "None of these words is a feature of this bag of words: it answers with what it knew before."
# Shares of zero have no logarithm.
LEAST: Final = 1e-6
TOLD: Final = 3
_TOKENIZER: Final = WordTokenizer()


def explain(bag: BagOfWords, request: Request) -> Analysis:
    """Read the text of ``request`` after its edits and take the decision apart, exactly.

    The one attribution, ``exact_share``, gives each word its part of the value of the class
    asked about (default: the predicted one); its ``baseline`` says where the sum starts and what
    absent words decided. The trace's ``shares`` are |part| / Σ |parts|, its ``state_norms`` each
    word's part of the vector before any class is asked. The whole text is read; the methods of
    ``request`` are not asked, since there is nothing left for them to find.

    Raises:
        PoolScopeError: nothing to read, or an edit or a class that is not there.
    """
    started = time.perf_counter()
    tokens = _tokens(bag.features, request)
    kept = [place for place, token in enumerate(tokens) if token.state != "deleted"]
    keys = ["" if tokens[place].state == "masked" else lookup_key(tokens[place].text) for place in kept]
    model = bag.model
    vector = bag.features.vector(keys, model.reads)
    values = model.decide(vector)
    prediction = _prediction(bag, values)
    target = _target(bag, request, prediction)
    parts = model.parts(vector, target)
    ids = vector.ids.tolist()
    words = bag.features.spread(keys, dict(zip(ids, parts.present.tolist(), strict=True)))
    change = float(values[target]) - parts.start - sum(part for _, part in parts.absent)
    delta = sum(words) - change
    attribution = Attribution(
        method=METHOD,
        title="Exact share",
        target=target,
        scalar=model.scalar,
        signed=True,
        complete=True,
        scores=_spread(len(tokens), kept, words),
        warning=None if ids else NOTHING_KNOWN,
        delta=delta,
        relative_delta=delta / abs(change) if change else None,
        baseline=_start(model, bag.features, parts),
    )
    weights = bag.features.spread(keys, dict(zip(ids, vector.values.tolist(), strict=True)))
    return Analysis(
        model=bag.spec,
        request=request,
        tokens=tokens,
        cut=0,
        prediction=prediction,
        target=target,
        trace=PoolingTrace(
            weights=None,
            weights_meaning="a bag of words has no attention weights",
            effective=None,
            shares=_spread(len(tokens), kept, _shares(words)),
            winners=None,
            state_norms=_spread(len(tokens), kept, weights),
        ),
        attributions=(attribution,),
        seconds=time.perf_counter() - started,
    )


def _tokens(features: Features, request: Request) -> tuple[Token, ...]:
    """The tokens of the unedited text with their states; known are those that a feature stands at."""
    tokens = _TOKENIZER(request.text)
    if not tokens:
        raise PoolScopeError("There is no word to read in this text; type at least one.")
    outside = [place for place in (*request.deleted, *request.masked) if place >= len(tokens)]
    if outside:
        listed = ", ".join(map(str, outside))
        raise PoolScopeError(f"The text has tokens 0 to {len(tokens) - 1}, got {listed}; choose one of them.")
    if len(request.deleted) == len(tokens):
        raise PoolScopeError("Every token of this text is deleted, so nothing is left to read; restore at least one.")
    states: dict[int, Literal["deleted", "masked"]] = dict.fromkeys(request.masked, "masked")
    states |= dict.fromkeys(request.deleted, "deleted")
    keys = [lookup_key(token.text) for token in tokens]
    known = {place for _, first, last in features.places(keys) for place in (first, last)}
    return tuple(
        dataclasses.replace(token, known=place in known, state=states.get(place, "kept"))
        for place, token in enumerate(tokens)
    )


def _prediction(bag: BagOfWords, values: np.ndarray) -> Prediction:
    """Values as a record; shares of a tree stand there as their logarithms."""
    probabilities = bag.model.probabilities(values)
    logits = values if bag.model.scalar == "logit" else np.log(np.maximum(values, LEAST))
    return Prediction(bag.spec.labels, tuple(logits.tolist()), tuple(probabilities.tolist()))


def _target(bag: BagOfWords, request: Request, prediction: Prediction) -> int:
    if request.target is None:
        return prediction.predicted
    if not 0 <= request.target < len(bag.spec.labels):
        choices = ", ".join(f"{i} ({label})" for i, label in enumerate(bag.spec.labels))
        raise PoolScopeError(f"There is no class {request.target}; choose one of: {choices}.")
    return request.target


def _start(model: Baseline, features: Features, parts: Parts) -> str:
    """Where the sum of the words starts, in words; absent words that decided are named, the strongest first."""
    told = f"{model.start}, {parts.start:.3f}"
    if not parts.absent:
        return told
    ranked = sorted(parts.absent, key=lambda item: -abs(item[1]))
    named = ", ".join(f"“{features.names[feature]}” {part:+.3f}" for feature, part in ranked[:TOLD])
    rest = f", … {len(ranked) - TOLD} more" if len(ranked) > TOLD else ""
    return f"{told}, and {sum(part for _, part in ranked):+.3f} by absent words ({named}{rest})"


def _spread(size: int, kept: Sequence[int], values: Sequence[float]) -> tuple[float, ...]:
    """Put values of kept tokens at their places among all, 0 elsewhere."""
    full = [0.0] * size
    for place, value in zip(kept, values, strict=True):
        full[place] = value
    return tuple(full)


def _shares(words: Sequence[float]) -> list[float]:
    """|part| / Σ |parts|; equal where every part is 0."""
    mass = sum(map(abs, words))
    return [abs(word) / mass if mass else 1 / len(words) for word in words]
