"""Invented records for the tests of viz: plausible shapes, no classifier behind them."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence

from models.records import (
    Agreement,
    Analysis,
    Attribution,
    Ladder,
    MethodCall,
    ModelSpec,
    NormPoint,
    NormSweep,
    Parameter,
    PoolingTrace,
    Prediction,
    Request,
    Rung,
    Token,
)

SENTENCE = "The film is not bad , but it never quite comes alive ."
READERS = (
    ("sst2/bilstm/attention", "BiLSTM · attention"),
    ("sst2/bilstm/apln", "BiLSTM · APLN"),
    ("sst2/cnn/max", "CNN · max"),
    ("sst2/embedding/mean", "Embedding · mean"),
    ("sst2/cnn/learned_norm", "CNN · learned norm"),
    ("sst2/bilstm/scaled_dot", "BiLSTM · scaled dot"),
)
METHODS = (
    ("attention", "attention", False, False, "logit"),
    ("attention_norm", "attention × norm", False, False, "logit"),
    ("exact_share", "exact share", True, True, "logit"),
    ("saliency", "saliency", False, False, "logit"),
    ("integrated_gradients", "integrated gradients", True, True, "logit"),
    ("leave_one_out", "leave-one-out", True, False, "probability"),
)


def tokens(text: str) -> tuple[Token, ...]:
    """Words, single Chinese characters, emoji and marks (those of entities whole), with offsets."""
    pattern = r"</?e[12]>|[\u4e00-\u9fff]|[\w'’\u0300-\u036f\u064b-\u0652]+|[^\w\s]\S{0,3}|[^\w\s]"
    return tuple(Token(m.group(), m.start(), m.end(), known=len(m.group()) < 11) for m in re.finditer(pattern, text))


def agreement(left: str, right: str, value: float | None, reason: str | None = None) -> Agreement:
    """One Kendall τ_b."""
    return Agreement("kendall_tau", left, right, value, n=12, p_value=None if value is None else 0.03, reason=reason)


def analysis(
    text: str = SENTENCE,
    reader: int = 0,
    labels: Sequence[str] = ("negative", "positive"),
    methods: Sequence[tuple[str, str, bool, bool, str]] = METHODS,
    seed: int = 1,
    cut: int = 0,
    request: Request | None = None,
) -> Analysis:
    """An analysis with numbers drawn from a seeded generator."""
    rng = random.Random(f"{seed}/{reader}/{text!r}")
    model_id, title = READERS[reader]
    pieces = tokens(text)
    n = len(pieces)
    sharp = rng.uniform(0.8, 2.2)
    raw = [math.exp(sharp * rng.gauss(0, 1)) for _ in range(n)]
    weights = tuple(r / sum(raw) for r in raw)
    logits = tuple(rng.gauss(0, 1.3) for _ in labels)
    total = sum(math.exp(z) for z in logits)
    prediction = Prediction(tuple(labels), logits, tuple(math.exp(z) / total for z in logits))
    target = prediction.predicted
    _, encoder, pooler = model_id.split("/")
    attends = pooler in ("attention", "scaled_dot", "apln")
    maps = []
    for name, words, signed, complete, scalar in methods:
        reason = "CNN · max has no attention weights." if name.startswith("attention") and not attends else None
        scores = tuple(w * abs(rng.gauss(1, 0.4)) for w in weights)
        if name == "attention":
            scores = weights
        if signed:
            scores = tuple(s * rng.choice((1, 1, -1)) * 3 for s in scores)
        relative = None if not complete else 2e-7 if name == "exact_share" else rng.choice((0.004, 0.008, 0.061))
        maps.append(
            Attribution(
                method=name,
                title=words,
                target=target,
                scalar=scalar,
                signed=signed,
                complete=complete,
                scores=None if reason else scores,
                reason=reason,
                warning="The error did not fall below 1 % within 512 steps." if (relative or 0) > 0.05 else None,
                delta=None if relative is None else relative * 2,
                relative_delta=relative,
                baseline="padding embedding (zero)" if name == "integrated_gradients" else None,
                forwards=64,
                seconds=0.02,
            )
        )
    names = [m.method for m in maps]
    agreements = tuple(
        agreement(a, b, round(rng.uniform(-0.2, 0.95), 3))
        if maps[i].scores is not None and maps[j].scores is not None
        else agreement(a, b, None, "one of the two maps is undefined")
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i < j
    )
    parameters = ()
    if pooler in ("apln", "learned_norm"):
        parameters = (Parameter("p", (2.1,), (1.0,), "exponent and inverse temperature", "p > 0"),)
    return Analysis(
        model=ModelSpec(model_id, "sst2", encoder, pooler, 1, f"{reader}3f9a1c0b7e5d2468", title, tuple(labels)),
        request=request or Request(text, tuple(MethodCall(m[0]) for m in methods)),
        tokens=pieces,
        cut=cut,
        prediction=prediction,
        target=target,
        trace=PoolingTrace(
            weights if attends else None,
            "softmax weights",
            tuple(w * w / sum(v * v for v in weights) for w in weights) if pooler == "apln" else None,
            weights,
            tuple(round(48 * w) / 1.0 for w in weights) if pooler == "max" else None,
            raw and tuple(raw),
            parameters,
        ),
        attributions=tuple(maps),
        agreements=agreements,
        seconds=0.1,
    )


def compare(text: str = SENTENCE, readers: int = 3, **kwargs: object) -> tuple[Analysis, ...]:
    """Several readers of one text."""
    return tuple(analysis(text, reader, **kwargs) for reader in range(readers))


def sweep(text: str = SENTENCE, dimensions: int = 48) -> NormSweep:
    """A norm sweep that sharpens with p, as the real one does."""
    rng = random.Random(7)
    found = analysis(text, 1)
    logits = [rng.gauss(0, 1) for _ in found.tokens]
    states = [[abs(rng.gauss(0, 1)) for _ in range(dimensions)] for _ in found.tokens]

    def at(p: float) -> NormPoint:
        raw = [math.exp(p * s) for s in logits]
        effective = tuple(r / sum(raw) for r in raw)
        mass = [e * sum(h**p for h in state) for e, state in zip(effective, states, strict=True)]
        pooled = tuple(
            sum(e * h[d] ** p for e, h in zip(effective, states, strict=True)) ** (1 / p) for d in range(dimensions)
        )
        positive = 1 / (1 + math.exp(-(math.log(p) - 0.4)))
        winners = tuple(
            max(range(len(states)), key=lambda i: effective[i] * states[i][d] ** p) for d in range(dimensions)
        )
        shares = tuple(m / sum(mass) for m in mass)
        return NormPoint(p, effective, shares, pooled, (1 - positive, positive), winners)

    points = tuple(at(0.1 * 500 ** (k / 30)) for k in range(31))
    return NormSweep(
        found.model,
        found.tokens,
        ("negative", "positive"),
        "A",
        tuple(at(1.0).effective or ()),
        2.1,
        (2.1, 2.1),
        points,
    )


def ladder(text: str = SENTENCE) -> Ladder:
    """Six rungs with the weakest at encoder mixing."""
    found = analysis(text)
    steps = (
        ("attention", "attention a", "where the pooler looks"),
        ("attention_norm", "a · ‖h‖", "how large the state is"),
        ("exact_share", "exact share", "which way the state points"),
        ("attached", "gradient × state, weights attached", "influence through the weights themselves"),
        ("input_gradient", "gradient × embedding", "mixing by the encoder"),
        ("leave_one_out", "leave-one-out", "a real removal, everything re-encoded"),
    )
    values = (None, 0.91, 0.44, 0.78, 0.12, 0.63)
    by_name = {a.method: a.scores for a in found.attributions}
    rungs = tuple(
        Rung(
            n,
            t,
            a,
            by_name.get(n, by_name["exact_share"]),
            None if v is None else agreement(steps[i - 1][0], n, v),
        )
        for i, ((n, t, a), v) in enumerate(zip(steps, values, strict=True))
    )
    return Ladder(rungs, 4, "The order breaks most where the encoder mixes neighbouring words (τ = 0.12).")
