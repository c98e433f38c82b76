"""The accessible equivalents of the pictures: plain rows with the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.records import Analysis, Attribution, Prediction, Removal
from viz import markup, scale, wording

Cell = str | int | float | None
Row = dict[str, Cell]


def score_rows(analyses: Sequence[Analysis]) -> list[Row]:
    """One row per token × reader × method: value, share of absolute mass, rank by magnitude.

    Undefined maps give one row without a token that holds the reason.
    """
    rows: list[Row] = []
    for analysis in analyses:
        for a in analysis.attributions:
            head: Row = {"reader": analysis.model.title, "method": a.title}
            if a.scores is None:
                rows.append({**_blank(), **head, "note": a.reason})
                continue
            ranked = zip(analysis.tokens, a.scores, scale.shares(a.scores), scale.ranks(a.scores), strict=True)
            for i, (token, value, share, rank) in enumerate(ranked):
                rows.append(
                    {
                        "position": i + 1,
                        "word": markup.visible(token.text),
                        **head,
                        "value": value,
                        "share": share,
                        "rank": rank,
                        "note": _note(token.known, token.state),
                    }
                )
    return rows


def word_rows(
    analyses: Sequence[Analysis],
    index: int,
    removals: Mapping[str, Removal] | None = None,
) -> list[Row]:
    """The selected word for every reader and method: value, share, rank, and without it.

    ``removals`` maps model ids to what the reader predicts without the word; readers that are
    missing there fall back on leave-one-out's own record. Probabilities are of the target class.
    Values are worded; ``undefined`` maps say why.
    """
    rows: list[Row] = []
    for analysis in analyses:
        if index >= len(analysis.tokens):
            continue
        target = analysis.prediction.labels[analysis.target]
        present = analysis.prediction.probabilities[analysis.target]
        gone = without(analysis, index, (removals or {}).get(analysis.model.id))
        for a in analysis.attributions:
            rows.append(
                {
                    "reader": analysis.model.title,
                    "method": a.title,
                    **_word(a, index),
                    "class": target,
                    "with it": wording.probability(present),
                    "without it": wording.DASH if gone is None else wording.probability(gone),
                    "change": wording.DASH if gone is None else wording.change(gone - present),
                }
            )
    return rows


def without(analysis: Analysis, index: int, removal: Removal | None = None) -> float | None:
    """Probability of the target class without token ``index``, ``None`` where nobody computed it."""
    if removal is not None:
        return removal.prediction.probabilities[analysis.target]
    for a in analysis.attributions:
        if a.without is not None and a.without[index] is not None:
            found = a.without[index]
            return None if found is None else found[analysis.target]
    return None


def removal_rows(analyses: Sequence[Analysis], index: int, removals: Mapping[str, Removal]) -> list[Row]:
    """One row per reader: the prediction with and without the word, and whether the label flips."""
    rows: list[Row] = []
    for analysis in analyses:
        removal = removals.get(analysis.model.id)
        if removal is None or index >= len(analysis.tokens):
            continue
        before, after = analysis.prediction, removal.prediction
        present, gone = before.probabilities[analysis.target], after.probabilities[analysis.target]
        rows.append(
            {
                "reader": analysis.model.title,
                "word": markup.visible(analysis.tokens[index].text),
                "class": before.labels[analysis.target],
                "with it": wording.probability(present),
                "without it": wording.probability(gone),
                "change": wording.change(gone - present),
                "how": removal.how,
                "now predicts": after.label + (" (flipped)" if after.predicted != before.predicted else ""),
            }
        )
    return rows


def prediction_rows(analyses: Sequence[Analysis]) -> list[Row]:
    """One row per reader × class with its probability."""
    return [
        {"reader": a.model.title, "class": label, "probability": p, "predicted": label == a.prediction.label}
        for a in analyses
        for label, p in _classes(a.prediction)
    ]


def _classes(prediction: Prediction) -> list[tuple[str, float]]:
    return list(zip(prediction.labels, prediction.probabilities, strict=True))


def _word(a: Attribution, index: int) -> Row:
    """Value, share and rank of one token in one map, worded."""
    if a.scores is None:
        return {"value": wording.DASH, "share": wording.DASH, "rank": wording.DASH, "note": a.reason}
    error = f" ± {wording.number(a.errors[index])}" if a.errors is not None else ""
    return {
        "value": wording.number(a.scores[index], plus=a.signed) + error,
        "share": wording.percent(scale.shares(a.scores)[index]),
        "rank": wording.rank(scale.ranks(a.scores)[index], len(a.scores)),
        "note": a.warning,
    }


def _blank() -> Row:
    return {"position": None, "word": None, "reader": None, "method": None, "value": None, "share": None,
            "rank": None, "note": None}  # fmt: skip


def _note(known: bool, state: str) -> str | None:
    words = [] if known else ["not in the vocabulary"]
    if state != "kept":
        words.append(state)
    return ", ".join(words) or None
