"""A whole test set of one reader in linked pictures: what is brushed in one is the same texts in all others.

One Vega-Lite specification with a selection per picture. Every picture has a strip per predicted class; all texts are
grey, and those that every brush lets through are drawn over them in the reader's colour. A specification is a plain
dict, since the number of columns follows the width of the page, which Altair has no word for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import altair as alt

from models.experiment_records import MOST, Measured
from viz import charts, palette, wording
from viz.rowtable import row_table

Spec = dict[str, Any]
WIDTH: Final = 268
SECTIONS: Final = ("0 – ¼", "¼ – ½", "½ – ¾", "¾ – 1")
# How many classes can be compared side by side before pictures become too many.
MOST_CLASSES: Final = 3
ORDERS: Final[Mapping[str, str]] = MappingProxyType({
    "erasure": "heaviest first", "erasure_gradient": "steepest gradient first",
    "erasure_product": "weight × gradient first", "erasure_random": "by chance",
})  # fmt: skip
DASHES: Final = ([1, 0], [8, 3], [8, 3, 2, 3], [1, 4])
# Three, two or one picture beside each other; a container has no width yet when this is asked, the window has.
COLUMNS: Final = "windowSize()[0] > 1380 ? 3 : windowSize()[0] > 1060 ? 2 : 1"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: the number that it needs, its question, what it shows and what it does not."""

    number: str
    question: str
    shows: str
    shows_not: str


_AGREE = "τ = 1 where both order the words alike, 0 where they have nothing to do with each other, −1 reversed"
PICTURES: Final[tuple[Picture, ...]] = (
    Picture(
        "tau_weights_gradient", "Do attention and gradient agree?", f"Texts by τ of attention and gradient: {_AGREE}.",
        "that either is right: two maps may agree and both miss what the reader does.",
    ),
    Picture(
        "tau_weights_removal", "Do attention and leave-one-out agree?",
        f"Texts by τ of attention and the change once each word is deleted: {_AGREE}.",
        "what words do together: each is deleted alone.",
    ),
    Picture(
        "tau_gradient_removal", "Do gradient and leave-one-out agree?",
        "The same for two maps that need no attention: what agreement between other maps looks like on these texts.",
        "how much agreement would be enough.",
    ),
    Picture(
        "adversary", "How far can the attention move unseen?",
        "Each text by its largest weight and by the JSD to the furthest attention that moves the answer by .01 at "
        "most; the top, .69, is an attention that shares no word with the reader's. With more than two classes it is "
        "searched for, and the true one may be further away.",
        "that the reader could have learned that attention: it is imposed on states that were made with another one.",
    ),
    Picture(
        "permutation", "Does it matter who gets the weight?",
        "The median change of the answer over 100 shuffles of the weights, by the largest weight; boxes hold the "
        "middle half of the texts, lines all of them. A low box on the right is attention that is sharp and yet idle.",
        "anything where weights are nearly equal (on the left): there a shuffle changes little for that reason alone.",
    ),
    Picture(
        "erasure", "Whose words turn the answer first?",
        "The part of the texts whose answer has flipped once this part of their words lost its weight. Texts that "
        "never flip count too: a line that ends at 60 % leaves 40 % that no such erasure turns. “By chance” counts a "
        "text once most of ten orders flip it.",
        "what the words mean to the encoder: states stay as they were, only weights go.",
    ),
)  # fmt: skip


def pictures(found: Measured) -> tuple[Picture, ...]:
    """The pictures that this reader has numbers for."""
    there = {name for name, values in found.numbers if any(value is not None for value in values)}
    return tuple(picture for picture in PICTURES if picture.number in there)


def commonest(found: Measured, most: int = 2) -> list[int]:
    """The classes that are predicted most often, in the order of the data."""
    counts = {place: found.predicted.count(place) for place in set(found.predicted)}
    return sorted(sorted(counts, key=lambda place: (-counts[place], place))[:most])


def rows_of(found: Measured) -> list[dict[str, Any]]:
    """One row per text, by the names that stand in a file for people."""
    rows = []
    for i, text in enumerate(found.texts):
        rows.append({
            "text": text, "predicts": found.labels[found.predicted[i]], "right": found.right[i],
            "words": found.words[i], "largest weight": found.largest[i],
            **{name: values[i] for name, values in found.numbers},
        })  # fmt: skip
    return rows


def linked(found: Measured, classes: Sequence[int], place: int = 0, dark: bool = False) -> Spec:
    """The pictures of ``classes``, each split by predicted class, with one brush each.

    ``place`` is the reader's place in the palette.
    """
    shown = pictures(found)
    view = _View(found, tuple(classes), palette.reader(place, dark), dark, tuple(p.number for p in shown))
    grid = [view.picture(picture) for picture in shown]
    spec: Spec = {
        "$schema": alt.SCHEMA_URL,
        "description": f"{count_words(found)} in linked pictures; the table below has the numbers.",
        "data": {"name": "texts", "values": _points(found, classes)},
        "params": view.brushes(),
        "vconcat": [view.count(), {"concat": grid, "columns": {"signal": COLUMNS}, "spacing": 18}],
        "spacing": 12,
    }
    return _finished(spec, dark)


def _points(found: Measured, classes: Sequence[int]) -> list[dict[str, Any]]:
    """One row per text of ``classes``, short names for short pages."""
    names = {*ORDERS, *(picture.number for picture in PICTURES)}
    drawn = [(name, values) for name, values in found.numbers if name in names]
    return [
        {
            "text": text, "c": found.predicted[i], "w": found.words[i], "ok": int(found.right[i]),
            "a": round(found.largest[i], 4), "s": SECTIONS[min(3, int(4 * found.largest[i]))],
            **{name: None if (value := values[i]) is None else round(value, 5) for name, values in drawn},
        }
        for i, text in enumerate(found.texts) if found.predicted[i] in classes
    ]  # fmt: skip


class _View:
    """What the pictures of one reader share."""

    def __init__(
        self, found: Measured, classes: tuple[int, ...], colour: str, dark: bool, numbers: tuple[str, ...]
    ) -> None:
        self.found, self.classes, self.colour, self.dark = found, classes, colour, dark
        self.brushed = [name for name in numbers if name != "erasure"]
        self.all_brushes = {"filter": {"and": [{"param": f"by_{name}"} for name in self.brushed]}}
        self.grey = palette.muted(dark)

    def brushes(self) -> list[Spec]:
        """An interval for each picture, a click for the boxes, nothing for curves."""
        kinds: dict[str, Spec] = {
            "adversary": {"type": "interval", "encodings": ["x", "y"]},
            "permutation": {"type": "point", "fields": ["s"]},
        }
        mark = {"stroke": palette.ink(self.dark), "fill": palette.ink(self.dark), "fillOpacity": 0.08}
        found = []
        for name in self.brushed:
            select = dict(kinds.get(name, {"type": "interval", "encodings": ["x"]}))
            if select["type"] == "interval":
                select["mark"] = mark
            views = [self.view(name, one) for one in self.classes]
            found.append({"name": f"by_{name}", "select": select, "views": views})
        return found

    def view(self, name: str, one: int) -> str:
        return f"{name}_{one}"

    def picture(self, picture: Picture) -> Spec:
        """The strips of one picture under its question."""
        draw = {"adversary": self.scatter, "permutation": self.boxes, "erasure": self.curves}
        strips = [draw.get(picture.number, self.histogram)(picture.number, one) for one in self.classes]
        alone = {"scale": {"strokeDash": "independent"}, "legend": {"strokeDash": "independent"}}
        return {"title": {"text": picture.question, "offset": 8}, "vconcat": strips, "spacing": 4, "resolve": alone}

    def strip(self, one: int, layers: Sequence[Spec], height: int) -> Spec:
        """A panel of one predicted class; few classes leave room for taller ones."""
        label: Spec = {
            "data": {"values": [{}]},
            "mark": {"type": "text", "text": f"predicted {self.found.labels[one]}", "align": "left", "x": 0, "y": -3,
                     "baseline": "bottom", "fontSize": 11, "color": self.grey, "limit": WIDTH - 120},
        }  # fmt: skip
        tall = round(height * (1.5 if len(self.classes) == 1 else 1.0))
        return {"width": WIDTH, "height": tall, "layer": [*layers, label]}

    def own(self, one: int, *more: Spec) -> list[Spec]:
        return [{"filter": f"datum.c === {one}"}, *more]

    def count(self) -> Spec:
        """How many texts every brush lets through, and how many of these are read rightly."""
        n = sum(one in self.classes for one in self.found.predicted)
        right = "format(datum.ok, '.0%') + ' of them read rightly'"
        mean = [{"op": "count", "as": "n"}, {"op": "mean", "field": "ok", "as": "ok"}]
        said = {"aggregate": mean}

        def line(transform: list[Spec], words: str, y: int, mark: Spec) -> Spec:
            return {
                "transform": [*transform, said, {"calculate": words, "as": "said"}],
                "mark": {"type": "text", "align": "left", "baseline": "top", "x": 0, "y": y, **mark},
                "encoding": {"text": {"field": "said", "type": "nominal"}},
            }

        return {
            "height": 40, "width": WIDTH,
            "layer": [
                line([self.all_brushes], f"format(datum.n, ',') + ' texts chosen, ' + {right}", 0,
                     {"fontSize": 15, "fontWeight": 600, "color": self.colour}),
                line([], f"'of {n:,} texts, ' + {right}", 22, {"fontSize": 12, "color": self.grey}),
            ],
        }  # fmt: skip

    def histogram(self, name: str, one: int) -> Spec:
        """Texts by τ, all in grey and the chosen ones over them."""
        x = {"field": name, "type": "quantitative", "bin": {"extent": [-1, 1], "step": 0.1}, "title": "Kendall's τ_b",
             "scale": {"domain": [-1, 1]}, "axis": self.last(one, {"values": [-1, -0.5, 0, 0.5, 1]})}  # fmt: skip
        y = {"aggregate": "count", "type": "quantitative", "title": "texts", "axis": {"tickCount": 3}}
        tips = [{"field": name, "bin": {"extent": [-1, 1], "step": 0.1}, "title": "τ"},
                {"aggregate": "count", "title": "texts"}]  # fmt: skip
        some = {"filter": f"isValid(datum['{name}'])"}
        bar = {"type": "bar", "binSpacing": 1}
        middle = [{"op": "median", "field": name, "as": "m"}, {"op": "count", "as": "n"}]
        words = "'median ' + format(datum.m, '.2f') + ', n = ' + format(datum.n, ',')"
        return self.strip(one, [
            {"name": self.view(name, one), "transform": self.own(one, some),
             "mark": {**bar, "color": self.grey, "opacity": 0.3}, "encoding": {"x": x, "y": y}},
            {"transform": self.own(one, some, self.all_brushes), "mark": {**bar, "color": self.colour},
             "encoding": {"x": x, "y": y, "tooltip": tips}},
            self.said(self.own(one, some, self.all_brushes, {"aggregate": middle}), words),
        ], 84)  # fmt: skip

    def scatter(self, name: str, one: int) -> Spec:
        """JSD of the adversary against the largest weight, a point per text."""
        x = {"field": "a", "type": "quantitative", "title": "largest weight", "scale": {"domain": [0, 1]},
             "axis": self.last(one, {"tickCount": 5, "format": ".1~f"})}  # fmt: skip
        y = {"field": name, "type": "quantitative", "title": "JSD (nats)", "scale": {"domain": [0, MOST]},
             "axis": {"values": [0, 0.2, 0.4, 0.6], "format": ".1~f"}}  # fmt: skip
        tips = [{"field": "text", "title": f"text of {self.found.data}"}, {"field": "w", "title": "words"},
                {"field": "a", "title": "largest weight", "format": ".2f"},
                {"field": name, "title": "JSD", "format": ".3f"}]  # fmt: skip
        point = {"type": "circle", "clip": True}
        some = {"filter": f"isValid(datum['{name}'])"}
        return self.strip(one, [
            {"name": self.view(name, one), "transform": self.own(one, some),
             "mark": {**point, "size": 12, "color": self.grey, "opacity": 0.25}, "encoding": {"x": x, "y": y}},
            {"transform": self.own(one, some, self.all_brushes),
             "mark": {**point, "size": 14, "color": self.colour, "opacity": 0.55},
             "encoding": {"x": x, "y": y, "tooltip": tips}},
        ], 128)  # fmt: skip

    def boxes(self, name: str, one: int) -> Spec:
        """The output change under shuffles by quarters of the largest weight."""
        some = {"filter": f"isValid(datum['{name}'])"}
        parts = [{"op": op, "field": name, "as": op} for op in ("min", "q1", "median", "q3", "max")]
        boxed = {"aggregate": [*parts, {"op": "count", "as": "n"}], "groupby": ["s"]}
        x = {"field": "s", "type": "ordinal", "title": "largest weight", "scale": {"domain": list(SECTIONS)},
             "axis": self.last(one, {"labelAngle": 0})}  # fmt: skip
        # The largest value is that of all texts, so that classes and choices stay on one scale; above it stands n.
        top = max((value for value in dict(self.found.numbers)[name] if value is not None), default=1.0)
        scale = {"domain": [0, max(0.02, top * 1.25)], "nice": False}

        def y(field: str) -> Spec:
            return {"field": field, "type": "quantitative", "title": "median TVD", "scale": scale,
                    "axis": {"tickCount": 4}}  # fmt: skip

        tips = [{"field": "s", "title": "largest weight"}, {"field": "n", "title": "texts"}]
        tips += [{"field": op, "title": title, "format": ".3f"} for op, title in
                 (("q1", "a quarter below"), ("median", "median"), ("q3", "a quarter above"), ("max", "largest"))]
        ink = palette.ink(self.dark)
        every, chosen = self.own(one, some, boxed), self.own(one, some, self.all_brushes, boxed)
        return self.strip(one, [
            {"name": self.view(name, one), "transform": every,
             "mark": {"type": "bar", "width": 46, "color": self.grey, "opacity": 0.3, "cursor": "pointer"},
             "encoding": {"x": x, "y": y("q1"), "y2": {"field": "q3"}, "tooltip": tips}},
            {"transform": every, "mark": {"type": "rule", "color": self.grey, "opacity": 0.5},
             "encoding": {"x": x, "y": y("min"), "y2": {"field": "max"}}},
            {"transform": chosen, "mark": {"type": "bar", "width": 26, "color": self.colour, "opacity": 0.8},
             "encoding": {"x": x, "y": y("q1"), "y2": {"field": "q3"}, "tooltip": tips}},
            {"transform": chosen, "mark": {"type": "tick", "width": 46, "thickness": 2.5, "color": ink},
             "encoding": {"x": x, "y": y("median"), "tooltip": tips}},
            {"transform": [*chosen, {"calculate": "'n = ' + format(datum.n, ',')", "as": "said"}],
             "mark": {"type": "text", "baseline": "top", "y": 2, "fontSize": 10, "color": self.grey},
             "encoding": {"x": x, "text": {"field": "said", "type": "nominal"}}},
        ], 128)  # fmt: skip

    def curves(self, name: str, one: int) -> Spec:
        """The part of the texts whose answer has flipped, by the part of the words that is gone, for each order."""
        there = [order for order in ORDERS if order in dict(self.found.numbers)]
        flips: list[Spec] = [
            {"filter": "datum.w > 1"},
            {"fold": there, "as": ["order", "part"]},
            {"calculate": "isValid(datum.part) ? 1 : 0", "as": "hit"},
            # Texts that never flip stand at the end and add nothing there, so that a line goes on to 100 %.
            {"calculate": "isValid(datum.part) ? datum.part : 1", "as": "gone"},
            {"joinaggregate": [{"op": "count", "as": "all"}], "groupby": ["order"]},
            {"aggregate": [{"op": "sum", "field": "hit", "as": "hits"}, {"op": "min", "field": "all", "as": "all"}],
             "groupby": ["order", "gone"]},
            {"window": [{"op": "sum", "field": "hits", "as": "sum"}], "groupby": ["order"],
             "sort": [{"field": "gone", "order": "ascending"}]},
            {"calculate": "datum.sum / datum.all", "as": "flipped"},
        ]  # fmt: skip
        x = {"field": "gone", "type": "quantitative", "title": "part of the words gone", "scale": {"domain": [0, 1]},
             "axis": self.last(one, {"format": ".0%", "tickCount": 5})}  # fmt: skip
        y = {"field": "flipped", "type": "quantitative", "title": "texts flipped", "scale": {"domain": [0, 1]},
             "axis": {"format": ".0%", "tickCount": 4}}  # fmt: skip
        names = [ORDERS[order] for order in there]
        legend = {"orient": "bottom", "columns": 2, "title": None, "symbolSize": 300, "labelLimit": 130,
                  "symbolStrokeColor": self.grey, "symbolStrokeWidth": 1.8}  # fmt: skip
        dash = {"field": "said", "type": "nominal", "sort": names,
                "legend": legend if one == self.classes[-1] else None,
                "scale": {"domain": names, "range": [list(dash) for dash in DASHES[: len(names)]]}}  # fmt: skip
        named: Spec = {"calculate": f"({_mapping(there)})[datum.order]", "as": "said"}
        line = {"type": "line", "interpolate": "step-after", "strokeWidth": 1.6}
        tips = [{"field": "said", "title": "order"}, {"field": "all", "title": "texts"},
                {"field": "gone", "title": "words gone", "format": ".0%"},
                {"field": "flipped", "title": "texts flipped", "format": ".0%"}]  # fmt: skip
        return self.strip(one, [
            {"transform": self.own(one, *flips, named), "mark": {**line, "color": self.grey, "opacity": 0.35},
             "encoding": {"x": x, "y": y, "strokeDash": dash}},
            {"transform": self.own(one, self.all_brushes, *flips, named), "mark": {**line, "color": self.colour},
             "encoding": {"x": x, "y": y, "strokeDash": dash, "tooltip": tips}},
        ], 128)  # fmt: skip

    def last(self, one: int, axis: Spec) -> Spec:
        """Only the last strip writes out the axis that all share."""
        return axis if one == self.classes[-1] else {**axis, "labels": False, "title": None, "ticks": False}

    def said(self, transform: list[Spec], words: str) -> Spec:
        """A line of numbers above the right end of a strip."""
        return {
            "transform": [*transform, {"calculate": words, "as": "said"}],
            "mark": {"type": "text", "align": "right", "baseline": "bottom", "x": WIDTH, "y": -3, "fontSize": 11,
                     "color": palette.ink(self.dark)},
            "encoding": {"text": {"field": "said", "type": "nominal"}},
        }  # fmt: skip


def count_words(found: Measured) -> str:
    """How many texts of which split these are, and by which road they came."""
    whole = f"{len(found.texts):,} {found.split} texts of {found.data}"
    if len(found.texts) == found.of:
        return f"all {whole}"
    return f"{whole}, drawn by chance from its {found.of:,}"


def table_rows(found: Measured, classes: Sequence[int]) -> list[dict[str, Any]]:
    """The pictures in numbers: a row per predicted class."""
    numbers, rows = dict(found.numbers), []
    for one in classes:
        own = [i for i, predicted in enumerate(found.predicted) if predicted == one]
        row: dict[str, Any] = {"it predicts": found.labels[one], "texts": f"{len(own):,}"}
        for order, title in ORDERS.items():
            asked = [i for i in own if found.words[i] > 1]
            if order in numbers and asked:
                never = sum(numbers[order][i] is None for i in asked) / len(asked)
                row[f"never flips, {title}"] = wording.percent(never)
        rows.append(row)
    return rows


def table_html(found: Measured, classes: Sequence[int]) -> str:
    """The same as a table for people."""
    rows = table_rows(found, classes)
    return row_table(rows, list(dict.fromkeys(name for row in rows for name in row)))


def _mapping(names: Sequence[str]) -> str:
    return "{" + ", ".join(f"'{name}': '{ORDERS[name]}'" for name in names) + "}"


class _Holder:
    """What ``charts.finish`` writes its colours on."""

    config: Spec


def _finished(spec: Spec, dark: bool) -> Spec:
    holder: _Holder = charts.finish(_Holder(), dark)
    return {**spec, "config": holder.config}
