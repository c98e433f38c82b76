"""Where a figure comes from: model, weights, request and versions, in words and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.records import Analysis, MethodCall, Request
from viz import wording


def call_words(call: MethodCall) -> str:
    """``integrated_gradients[steps=64]``."""
    return call.key


def request_words(request: Request, labels: Sequence[str]) -> str:
    """The arguments of a request in one line."""
    target = "predicted class" if request.target is None else f"“{labels[request.target]}”"
    parts = [f"target: {target}"]
    if request.against is not None:
        parts.append(f"against: “{labels[request.against]}”")
    if request.scalar != "logit":
        parts.append(f"scalar: {request.scalar}")
    if request.deleted:
        parts.append("deleted tokens: " + ", ".join(str(i + 1) for i in request.deleted))
    if request.masked:
        parts.append("masked tokens: " + ", ".join(str(i + 1) for i in request.masked))
    parts.append("methods: " + ", ".join(call_words(call) for call in request.methods))
    return " · ".join(parts)


def model_words(analysis: Analysis) -> str:
    """The classifier and its weights in one line."""
    model = analysis.model
    return f"{model.title}: {model.id}, seed {model.seed}, weights {model.digest}"


def version_words(versions: Mapping[str, str]) -> str:
    """``poolscope 0.1, torch 2.13.0``."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def prediction_words(analysis: Analysis) -> str:
    """``negative 0.81, positive 0.19``."""
    prediction = analysis.prediction
    order = sorted(range(len(prediction.labels)), key=lambda c: -prediction.probabilities[c])[:5]
    return ", ".join(f"{prediction.labels[c]} {wording.probability(prediction.probabilities[c])}" for c in order)


def said(analyses: Sequence[Analysis], versions: Mapping[str, str], caution: str = "") -> list[str]:
    """All of it in lines for people, ``caution`` first: what the predictions may not be taken for leaves with them."""
    models = [model_words(a) for a in analyses]
    requests = dict.fromkeys(request_words(a.request, a.prediction.labels) for a in analyses)
    return [words for words in (caution, *models, *requests, version_words(versions)) if words]


def provenance(
    analyses: Sequence[Analysis], versions: Mapping[str, str], scale: str | None = None, caution: str = ""
) -> dict[str, Any]:
    """The same as data, for exports."""
    return {
        "tool": "PoolScope",
        **({"caution": caution} if caution else {}),
        "versions": dict(versions),
        "scale": scale,
        "models": [{"id": a.model.id, "digest": a.model.digest, "seed": a.model.seed} for a in analyses],
        "requests": list(dict.fromkeys(request_words(a.request, a.model.labels) for a in analyses)),
    }
