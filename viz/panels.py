"""The payload of the clickable token component: plain JSON, small, already worded and coloured.

The browser only draws. Shares, limits, colour steps and sentences are decided here, where they
can be tested; user text leaves through ``markup.visible`` and is set with ``textContent``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.records import Analysis, Attribution, Parameter, Token
from viz import entities, markup, palette, scale, subwords, wording
from viz.cards import TRACE_CARDS, MethodCard
from viz.trace import with_trace

TAIL = 240
FLAT = "uniform_map"
BARS = 6


def panels(
    analyses: Sequence[Analysis],
    colours: Mapping[str, int] | None = None,
    selected: int | None = None,
    scale_name: str = "share",
    cards: Mapping[str, MethodCard] | None = None,
    interactive: bool = True,
    trace: bool = True,
    pieces: bool = False,
    among: Sequence[Analysis] | None = None,
) -> dict[str, Any]:
    """Everything one instance of the component draws for up to six readers of one text.

    ``colours`` gives each model id its place in the reader palette (default: order shown),
    ``selected`` the clicked token, ``cards`` the method cards by method name. All maps share the
    limits of ``scale_name``. ``trace`` adds what the pooler itself did (effective attention,
    winners) under the attention row. Readers must have read the same tokens; one may have
    stopped earlier. With ``pieces`` readers that cut words show what they really read, which nobody can
    click. ``among`` are all analyses that share the limits, where more are drawn than these.
    """
    if not analyses:
        return {"empty": "No reader is chosen: add one to see how it reads your text."}
    longest = max(analyses, key=lambda a: len(a.tokens))
    if not longest.tokens:
        return {"empty": "There is no word in this text that a reader could read: type at least one."}
    for analysis in analyses:
        _same_text(longest, analysis)
    owners = {analysis.model.id: analysis.owners for analysis in analyses}
    trace, interactive = trace and not pieces, interactive and not pieces
    if pieces:
        analyses = [subwords.by_piece(analysis) for analysis in analyses]
        selected, longest = None, max(analyses, key=lambda a: len(a.tokens))
    if trace:
        analyses = [with_trace(analysis) for analysis in analyses]
    limits = scale.limits([*analyses, *map(with_trace, among or ())], scale_name)
    places = colours or {}
    inside = selected is not None and 0 <= selected < len(longest.tokens)
    return {
        **_text(longest, owners[longest.model.id] if pieces else ()),
        "selected": selected if inside else None,
        "interactive": interactive,
        "scale": _scale(analyses, limits, scale_name),
        "cards": _cards(analyses, cards or {}),
        "readers": [
            _reader(analysis, places.get(analysis.model.id, place), limits, scale_name, owners[analysis.model.id])
            for place, analysis in enumerate(analyses)
        ],
    }


def _same_text(longest: Analysis, other: Analysis) -> None:
    """Refuse readers whose tokens are not the same pieces of the same text."""
    spans = [(t.start, t.end) for t in longest.tokens[: len(other.tokens)]]
    if longest.request.text != other.request.text or spans != [(t.start, t.end) for t in other.tokens]:
        raise ValueError(
            f"{other.model.id} and {longest.model.id} did not read the same tokens; "
            "panels can only be compared over one text and one tokenizer"
        )


def pieces(text: str, tokens: Sequence[Token]) -> tuple[list[tuple[str, str]], str]:
    """[(what stands before a token, the token)] in the user's own characters, and the rest."""
    found, position = [], 0
    for token in tokens:
        before = markup.visible(text[position : token.start])
        found.append((before, markup.visible(token.text) if token.text else "◦"))
        position = max(position, token.end)
    return found, markup.visible(text[position:])


def flags(tokens: Sequence[Token]) -> list[str]:
    """One letter per peculiarity of each token: u(nknown), d(eleted), m(asked), s(pecial).

    The letters of :func:`viz.entities.roles` follow, for texts that mark the two words of a relation.
    """
    return [_flags(token) + role for token, role in zip(tokens, entities.roles(tokens), strict=True)]


def _flags(token: Token) -> str:
    state = {"kept": "", "deleted": "d", "masked": "m"}[token.state]
    return ("" if token.known else "u") + state + ("s" if token.special else "")


def _text(analysis: Analysis, owners: Sequence[int] = ()) -> dict[str, Any]:
    """The user's text with its gaps; what was not read is shortened and counted. ``owners`` mark pieces of a word."""
    source, tokens = analysis.request.text, analysis.tokens
    found, rest = pieces(source, tokens)
    within = subwords.continued(owners) if owners else [False] * len(tokens)
    marks = [flag + "c" * on for flag, on in zip(flags(tokens), within, strict=True)]
    return {
        "dir": markup.direction(source),
        "text": [[b, t, f] for (b, t), f in zip(found, marks, strict=True)],
        "tail": rest if len(rest) <= TAIL else rest[:TAIL].rstrip() + " …",
        "note": wording.unread(len(tokens), analysis.cut),
        "unknown": sum(not t.known for t in tokens),
    }


def _scale(analyses: Sequence[Analysis], limits: Mapping[str, float], name: str) -> dict[str, Any]:
    """The legend over all panels: name, explanation, and the ends where there is one limit."""
    chosen = scale.SCALES[name]
    kinds = {a.signed for analysis in analyses for a in analysis.attributions if a.scores is not None}
    targets = {wording.asked(analysis) for analysis in analyses}
    one = not chosen.per_method
    limit = max(limits.values(), default=0.0)
    return {
        "title": chosen.title,
        "explanation": chosen.explanation,
        "unsigned": list(scale.ends(limit, False, name)) if False in kinds and one else None,
        "signed": list(scale.ends(limit, True, name)) if True in kinds and one else None,
        "per_method": chosen.per_method,
        "hint": scale.hint(limit, name),
        "target": targets.pop() if len(targets) == 1 else None,
    }


def _cards(analyses: Sequence[Analysis], cards: Mapping[str, MethodCard]) -> dict[str, Any]:
    """The card rows of every method shown, once; a method without a card says what its map says."""
    found: dict[str, Any] = {}
    cards = {**TRACE_CARDS, **cards}
    for analysis in analyses:
        for a in analysis.attributions:
            if a.method in cards and (a.key not in found or a.baseline):
                found[a.key] = cards[a.method].rows(a.baseline)
            elif a.key not in found:
                found[a.key] = (
                    ("Signed", "yes" if a.signed else "no"),
                    ("Complete", "yes" if a.complete else "no"),
                    ("Baseline", a.baseline or "none"),
                )
    return found


def learned(parameters: Sequence[Parameter]) -> str | None:
    """The learned scalar of a pooler in one chip: ``p = 2.10``, ``α = 1.43`` or ``p = 1.80–2.40``."""
    for parameter in parameters:
        if parameter.name in wording.SCALARS:
            low, high = wording.exponent(min(parameter.values)), wording.exponent(max(parameter.values))
            return f"{parameter.name} = {low}" + ("" if low == high else f"{wording.DASH}{high}")
    return None


def bars(analysis: Analysis) -> list[list[Any]]:
    """[label, probability, words, predicted] per class, of those that :func:`told` names."""
    prediction = analysis.prediction
    return [
        [
            prediction.labels[c],
            round(prediction.probabilities[c], 4),
            wording.probability(prediction.probabilities[c]),
            c == prediction.predicted,
        ]
        for c in told(prediction.probabilities, analysis.target)
    ]


def told(probabilities: Sequence[float], target: int | None = None) -> list[int]:
    """The classes worth naming: all up to six in their own order, else the five most probable.

    A ``target`` that is not among the five takes a place of its own after them.
    """
    order = list(range(len(probabilities)))
    if len(order) <= BARS:
        return order
    best = sorted(order, key=lambda c: -probabilities[c])[: BARS - 1]
    return best if target is None or target in best else [*best, target]


def _reader(
    analysis: Analysis, place: int, limits: Mapping[str, float], name: str, owners: Sequence[int] = ()
) -> dict[str, Any]:
    """One panel: who reads, what it predicts, one row per map."""
    model = analysis.model
    return {
        "id": model.id,
        "title": model.title,
        "mark": palette.mark(place),
        "colour": palette.both(palette.READERS[place % len(palette.READERS)]),
        "ink": palette.both((palette.text_on(palette.reader(place)), palette.text_on(palette.reader(place, True)))),
        "p": learned(analysis.trace.parameters),
        "digest": model.digest[:8],
        "bars": bars(analysis),
        "target": wording.asked(analysis),
        "predicted": analysis.target == analysis.prediction.predicted and analysis.request.against is None,
        "of": "" if analysis.request.scalar == "logit" else wording.SCALAR_TITLES[analysis.request.scalar].lower(),
        "rows": [_row(analysis, a, limits[a.method], name, owners) for a in analysis.attributions],
    }


def _row(
    analysis: Analysis, a: Attribution, limit: float, name: str, owners: Sequence[int] = ()
) -> dict[str, Any]:
    """One heatmap row; numbers rounded to what is shown, colour as a step, reasons as sentences."""
    painted = scale.paint(a, limit, name)
    row: dict[str, Any] = {
        "key": a.key,
        "slot": "trace" if a.method in TRACE_CARDS else a.key,
        "title": a.title,
        "signed": a.signed,
        "unit": wording.unit_of(analysis, a),
        "delta": _delta(a),
        # What ranks nothing by its definition, as its card says, need not warn of it in every panel.
        "warning": None if a.method == FLAT else a.warning,
        "special": subwords.special_badge(a, owners),
    }
    if painted is None:
        return {**row, "reason": a.reason}
    return {
        **row,
        "reason": None if a.warning else painted.note or a.reason,
        "ends": scale.ends(limit, a.signed, name),
        "v": [float(f"{s:.4g}") for s in a.scores or ()],
        "q": painted.steps,
        "summary": summary(analysis, a),
    }


def _delta(a: Attribution) -> list[str] | None:
    """[badge, level, what it means] of fit or completeness error; worded, so colour is not alone."""
    badge = wording.badge(a)
    if badge is None:
        return None
    if a.fit is not None:
        meaning = "R²: how much of the logit over the texts that were read the words' values tell, added up"
        return [badge, "ok" if a.fit >= wording.FIT else "high", meaning]
    fine = a.relative_delta is not None and abs(a.relative_delta) <= 0.01
    meaning = (
        "completeness error: the values sum to F(x) − F(baseline) within this share"
        if fine
        else "completeness error above 1 %: the values do not sum to F(x) − F(baseline)"
    )
    return [badge, "ok" if fine else "high", meaning]


def summary(analysis: Analysis, a: Attribution, top: int = 3) -> str:
    """The map in one sentence for readers who do not see it."""
    if a.scores is None:
        return f"{a.title}: {a.reason}"
    part = scale.shares(a.scores)
    order = sorted(range(len(part)), key=lambda i: -abs(part[i]))[:top]
    words = [f"“{markup.visible(analysis.tokens[i].text)}” {wording.percent(part[i])}" for i in order if part[i]]
    return f"{a.title}: " + ("strongest " + ", ".join(words) if words else "all values are 0")
