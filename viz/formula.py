"""The formula of a pooler beside the picture: as defined, and with its live numbers in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from viz import wording

READINGS = {
    "A": r"\left( \frac{\sum_i (a_i z_{id})^{P}}{\sum_i a_i^{P}} \right)^{1/P}",
    "B": r"\left( \sum_i a_i\, z_{id}^{P} \right)^{1/P}",
    "C": r"\left( \sum_i (a_i z_{id})^{P} \right)^{1/P}",
}
MEANS = {
    "learned_norm": r"\left( \frac{1}{N} \sum_i |h_{id} - c_d|^{P} \right)^{1/P}",
    "gem": r"\left( \frac{1}{N} \sum_i \max(h_{id}, \epsilon)^{P} \right)^{1/P}",
}
AT_ONE = {
    "learned_norm": "the mean distance to the centre",
    "gem": "the mean of the states, negative ones counted as nothing",
}
FIXED = {
    "mean": (r"r_d = \frac{1}{N}\sum_i h_{id}", "Every token counts the same."),
    "max": (r"r_d = \max_i h_{id}", "In each dimension one token speaks for all."),
    "attention": (
        r"r_d = \sum_i a_i h_{id}, \quad a = \mathrm{softmax}_i\left( v^{\top} \tanh(W h_i + b) \right)",
        "A weighted mean; the weights are learned from the states.",
    ),
    "scaled_dot": (
        r"r_d = \sum_i a_i h_{id}, \quad a = \mathrm{softmax}_i\left( q \cdot h_i / \sqrt{D} \right)",
        "A weighted mean; one learned query asks every state the same question.",
    ),
    "gated_attention": (
        r"r_d = \sum_i a_i h_{id}, \quad a = \mathrm{softmax}_i\, w^{\top}( \tanh(V h_i) \odot \sigma(U h_i) )",
        "A weighted mean; a gate decides which features of a state its weight may depend on.",
    ),
    "sparsemax": (
        r"r_d = \sum_i a_i h_{id}, \quad a = \mathrm{sparsemax}_i\left( v^{\top} \tanh(W h_i + b) \right)",
        "A weighted mean of some tokens; the others weigh exactly nothing.",
    ),
    "entmax": (
        r"r_d = \sum_i a_i h_{id}, \quad a = \alpha\text{-}\mathrm{entmax}_i\left( v^{\top} \tanh(W h_i + b) \right)",
        "A weighted mean; the learned α says how many tokens weigh exactly nothing: 1 is softmax, 2 sparsemax.",
    ),
    "structured": (
        r"r_{kd} = \sum_i A_{ki} h_{id}, \quad A = \mathrm{softmax}_i\left( W_2 \tanh(W_1 H^{\top}) \right)",
        "Several weighted means side by side, one per hop.",
    ),
    "self_attention": (
        r"r_d = \sum_i w_i v_{id}, \quad w_i = \sum_j b_j\, \mathrm{softmax}_i( Q h_j \cdot K h_i / \sqrt{d} )",
        "A weighted mean of projected states; each head has its own weights, taken together over all asking tokens.",
    ),
    "hard_attention": (
        r"r_d = \frac{1}{k}\sum_{i \in \mathrm{top}_k(s)} h_{id}, \quad s_i = v^{\top} \tanh(W h_i + b)",
        "The mean of the few best-scored tokens; the others weigh exactly nothing. Trained on sampled choices.",
    ),
    "hard_reinforce": (
        r"r_d = h_{\hat\imath d}, \quad \hat\imath = \mathrm{argmax}_i\; v^{\top} \tanh(W h_i + b)",
        "The best-scored token speaks for all. Trained on sampled choices by REINFORCE.",
    ),
    "log_sum_exp": (
        r"r_d = \frac{1}{b} \log\left( \frac{1}{N}\sum_i e^{b h_{id}} \right)",
        "A soft maximum; the learned b runs from the mean (0) to the maximum (∞).",
    ),
    "last": (r"r_d = h_{Nd}", "The last token speaks for all."),
    "cls": (r"r_d = h_{1d}", "The first token speaks for all."),
}


@dataclass(frozen=True, slots=True)
class Formula:
    """A pooler's definition and the same with its live numbers, as LaTeX, and one sentence."""

    symbolic: str
    numeric: str | None
    sentence: str


def pooler_formula(pooler: str, p: float | None = None, reading: str = "A", tokens: int | None = None) -> Formula:
    """The formula of ``pooler``; with the dial at ``p`` also the formula with its numbers.

    ``reading`` is A, B or C for ``apln``; ``tokens`` is N, the number of tokens pooled.

    Raises:
        ValueError: no formula is known for ``pooler``.
    """
    if pooler in FIXED:
        symbolic, sentence = FIXED[pooler]
        numeric = symbolic.replace("{N}", f"{{{tokens}}}") if tokens and "{N}" in symbolic else None
        return Formula(symbolic, numeric, sentence)
    if pooler == "apln":
        body = READINGS[reading]
    elif pooler in MEANS:
        body = MEANS[pooler]
    else:
        raise ValueError(f"no formula is known for the pooler {pooler!r}")
    numeric = None
    if p is not None:
        filled = body.replace("P", _number(p))
        numeric = "r_d = " + (filled.replace("{N}", f"{{{tokens}}}") if tokens else filled)
    return Formula("r_d = " + body.replace("P", "p"), numeric, _meaning(pooler, p, reading))


def effective_formula(p: float) -> str:
    """The effective attention of reading A and C with its number: softmax(p · s)."""
    return rf"\mathrm{{softmax}}({_number(p)} \cdot s)_i"


def _number(p: float) -> str:
    return r"\infty" if math.isinf(p) else wording.exponent(p)


def _meaning(pooler: str, p: float | None, reading: str) -> str:
    """What this value of p does, in one sentence."""
    if p is None:
        return "p is learned: 1 is an average, larger values listen to the largest tokens."
    word = f"p = {wording.exponent(p)}"
    if abs(p - 1) < 0.005:
        return f"{word}: {AT_ONE.get(pooler, 'plain attentive pooling')}."
    if p < 1:
        flat = " and attention is flattened" if pooler == "apln" and reading != "B" else ""
        return f"{word}: below 1, small states count for more than in an average{flat}."
    if p >= 20:
        return f"{word}: almost a maximum; in each dimension one token decides."
    sharp = ", and attention is sharpened by the same number" if pooler == "apln" and reading != "B" else ""
    return f"{word}: between an average (1) and a maximum (∞){sharp}."
