"""The heatmap as one standalone SVG, and the PNG made from it without a browser."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from models.records import Analysis, Attribution
from viz import entities, layout, palette, png, provenance, scale, wording
from viz.markup import Markup, tag, void
from viz.panels import flags, learned
from viz.trace import with_trace

FONTS = {
    layout.LATIN: "Liberation Sans, Arial, Helvetica, sans-serif",
    # The renderer takes the first family that exists for the whole piece, so it must know the script.
    layout.SCRIPT: "DejaVu Sans, Segoe UI, Geeza Pro, sans-serif",
    layout.CJK: "Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif",
    layout.EMOJI: "Noto Color Emoji, Apple Color Emoji, Segoe UI Emoji, sans-serif",
}
MARGIN, SIZE, LINE, SMALL = 28.0, 16.0, 27.0, 12.0
QUIET, TINY = 11.0, 8.5
# A token's letter, how far below the baseline its line is drawn, and how it is dashed.
LINES = (("u", 3.5, "1.5 2"), ("d", -5.0, None), ("m", 3.5, "5 2"),
         ("1", 7.5, None), ("2", 7.5, None), ("2", 10.0, None))  # fmt: skip


class Canvas:
    """Collects shapes from the top down; ``y`` is where the next one goes."""

    def __init__(self, width: float, dark: bool) -> None:
        """Start an empty picture ``width`` pixels wide."""
        self.width, self.dark, self.y = width, dark, MARGIN
        self.parts: list[Markup] = []

    def text(self, words: str, x: float, y: float, size: float, colour: str, weight: str | None = None) -> float:
        """Write ``words`` with its baseline at ``y``, fonts chosen by script; returns the end."""
        for kind, piece in layout.runs(words):
            self.parts.append(
                tag(
                    "text", piece, x=f"{x:.1f}", y=f"{y:.1f}", font_size=f"{size:g}", fill=colour,
                    font_weight=weight, font_family=FONTS[kind],
                )
            )  # fmt: skip
            x += layout.width(piece, size) * (1.06 if weight else 1)
        return x

    def word(self, words: str, x: float, width: float, y: float, colour: str, size: float = SIZE) -> None:
        """Write a token into its box, centred where one font draws all of it (widths are estimates)."""
        pieces = layout.runs(words)
        if len(pieces) != 1:
            self.text(words, x + layout.PAD, y, size, colour)
            return
        self.parts.append(
            tag("text", words, x=f"{x + width / 2:.1f}", y=f"{y:.1f}", font_size=f"{size:g}", fill=colour,
                text_anchor="middle", font_family=FONTS[pieces[0][0]])
        )  # fmt: skip

    def paragraph(self, words: str, size: float, colour: str) -> None:
        """Write plain words wrapped to the width, and move down."""
        line = ""
        for word in words.split(" "):
            longer = f"{line} {word}".strip()
            if line and layout.width(longer, size) > self.width - 2 * MARGIN:
                self._line(line, size, colour)
                longer = word
            line = longer
        self._line(line, size, colour)

    def _line(self, line: str, size: float, colour: str) -> None:
        self.y += size * 1.4
        self.text(line, MARGIN, self.y, size, colour)

    def box(
        self, x: float, y: float, width: float, height: float, colour: str, *, radius: float = 3, **more: str
    ) -> None:
        """A rounded rectangle."""
        self.parts.append(
            void("rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{width:.1f}", height=f"{height:.1f}",
                 rx=f"{radius:g}", fill=colour, **more)
        )  # fmt: skip

    def finish(self, title: str, about: str) -> str:
        """The complete document; ``about`` is machine-readable provenance."""
        height = self.y + MARGIN
        back = void("rect", width="100%", height="100%", fill=palette.page(self.dark))
        return tag(
            "svg", tag("title", title), tag("metadata", about), back, *self.parts,
            xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {self.width:g} {height:.0f}",
            width=f"{self.width:g}", height=f"{height:.0f}", role="img",
        )  # fmt: skip


def heatmap_svg(
    analyses: Sequence[Analysis],
    scale_name: str = "share",
    versions: Mapping[str, str] | None = None,
    colours: Mapping[str, int] | None = None,
    width: float = 900,
    dark: bool = False,
    trace: bool = True,
    caution: str = "",
) -> str:
    """Every map of ``analyses`` on one scale, the user's own characters, legend and provenance."""
    shown = [with_trace(a) for a in analyses] if trace else list(analyses)
    limits = scale.limits(shown, scale_name)
    canvas = Canvas(width, dark)
    for place, analysis in enumerate(shown):
        _reader(canvas, analysis, (colours or {}).get(analysis.model.id, place), limits, scale_name)
    _legend(canvas, shown, limits, scale_name)
    canvas.y += 8
    for words in provenance.said(analyses, versions or {}, caution):
        canvas.paragraph(words, SMALL - 1, palette.muted(dark))
    about = json.dumps(provenance.provenance(analyses, versions or {}, scale_name, caution))
    return canvas.finish("PoolScope heatmap", about)


def heatmap_png(
    analyses: Sequence[Analysis],
    scale_name: str = "share",
    versions: Mapping[str, str] | None = None,
    colours: Mapping[str, int] | None = None,
    width: float = 900,
    dark: bool = False,
    trace: bool = True,
    zoom: float = 2,
    caution: str = "",
) -> bytes:
    """The PNG of :func:`heatmap_svg`, drawn by vl-convert with the fonts of this machine."""
    import vl_convert

    svg = heatmap_svg(analyses, scale_name, versions, colours, width, dark, trace, caution)
    said = json.dumps(provenance.provenance(analyses, versions or {}, scale_name, caution))
    return png.rewrite(bytes(vl_convert.svg_to_png(svg, scale=zoom)), {"Description": said})


def _reader(canvas: Canvas, analysis: Analysis, place: int, limits: Mapping[str, float], scale_name: str) -> None:
    """Heading, prediction and maps of one reader."""
    dark, colour = canvas.dark, palette.reader(place, canvas.dark)
    canvas.box(MARGIN, canvas.y, 22, 22, colour, radius=5)
    canvas.text(palette.mark(place), MARGIN + 6.5, canvas.y + 16, 13, palette.text_on(colour), "bold")
    p = learned(analysis.trace.parameters)
    end = canvas.text(analysis.model.title, MARGIN + 32, canvas.y + 17, 17, palette.ink(dark), "bold")
    canvas.text(p or "", end + 14, canvas.y + 17, 14, palette.ink(dark))
    canvas.y += 44
    target = wording.asked(analysis)
    says = f"predicts {provenance.prediction_words(analysis)}; in signed maps blue is against, orange for “{target}”"
    canvas.y -= SMALL * 1.4
    canvas.paragraph(says, SMALL, palette.muted(dark))
    canvas.y += 10
    for a in analysis.attributions:
        _map(canvas, analysis, a, limits[a.method], scale_name)
    canvas.y += 26


def _map(canvas: Canvas, analysis: Analysis, a: Attribution, limit: float, scale_name: str) -> None:
    """One method's row: its name, its limit, and the text in colour."""
    dark = canvas.dark
    canvas.y += 26
    end = canvas.text(a.title, MARGIN, canvas.y, SMALL, palette.ink(dark), "bold")
    notes = [wording.badge(a)]
    if a.scores is not None and scale.SCALES[scale_name].per_method:
        notes.append(" … ".join(scale.ends(limit, a.signed, scale_name)))
    canvas.text("   ".join(filter(None, notes)), end + 10, canvas.y, SMALL, palette.muted(dark))
    painted = scale.paint(a, limit, scale_name)
    if painted is None:
        canvas.paragraph(str(a.reason), SMALL, palette.muted(dark))
        return
    letters = flags(analysis.tokens)
    for row in layout.lines(analysis.request.text, analysis.tokens, SIZE, canvas.width - 2 * MARGIN):
        canvas.y += LINE
        for item in row:
            _word(canvas, a, painted, item, "" if item.index is None else letters[item.index])
        # Names last: a mark without a space before it would paint over them.
        for item in row:
            if item.index is not None and "e" in letters[item.index]:
                end, name = MARGIN + item.x + item.width, entities.said(letters[item.index])
                canvas.text(name, end, canvas.y - 8, TINY, palette.ink(dark), "bold")
    for note in filter(None, (painted.note, a.warning)):
        canvas.paragraph(note, SMALL, palette.muted(dark))


def _word(canvas: Canvas, a: Attribution, painted: scale.Painted, item: layout.Item, marks: str) -> None:
    """One token: background, characters, and the marks of unknown, deleted, masked and entities."""
    x, y = MARGIN + item.x, canvas.y
    if item.index is None:
        if item.text.strip():
            canvas.text(item.text, x, y, SIZE, palette.muted(canvas.dark))
        return
    step = painted.steps[item.index]
    swatch = palette.swatch(step, a.signed, canvas.dark)
    size = QUIET if "t" in marks else SIZE
    # A quiet token leaves room around itself, where the name of an entity goes.
    inset = item.width * (1 - size / SIZE) / 2 + 0.5
    if step:
        canvas.box(x + inset, y - 16, item.width - 2 * inset, 22, swatch.background)
    canvas.word(item.text, x, item.width, y, swatch.text, size)
    for flag, offset, dash in LINES:
        if flag in marks:
            below = offset > 6
            canvas.parts.append(
                void("line", x1=f"{x + 2:.1f}", x2=f"{x + item.width - 2:.1f}", y1=f"{y + offset:.1f}",
                     y2=f"{y + offset:.1f}", stroke=palette.ink(canvas.dark) if below else swatch.text,
                     stroke_width="1.3", stroke_dasharray=dash)
            )  # fmt: skip


def _legend(canvas: Canvas, analyses: Sequence[Analysis], limits: Mapping[str, float], scale_name: str) -> None:
    """The named scale with its ends, once, and what the marks under words mean."""
    dark, muted = canvas.dark, palette.muted(canvas.dark)
    canvas.box(MARGIN, canvas.y - 10, canvas.width - 2 * MARGIN, 1, palette.grid(dark), radius=0)
    canvas.y += 16
    chosen = scale.SCALES[scale_name]
    x = canvas.text(f"Colour: {chosen.title}", MARGIN, canvas.y, SMALL, palette.ink(dark), "bold") + 24
    limit = max(limits.values(), default=0.0)
    for signed in (False, True):
        low, high = scale.ends(limit, signed, scale_name) if not chosen.per_method else ("", "")
        x = canvas.text(("against " if signed else "") + low, x, canvas.y, SMALL, muted) + 8
        steps = range(-palette.STEPS if signed else 0, palette.STEPS + 1)
        for step in steps:
            colour = palette.swatch(step, signed, dark).background
            canvas.box(x, canvas.y - 9, 120 / len(steps) + 0.5, 10, colour, radius=0)
            x += 120 / len(steps)
        x = canvas.text(high + (" for" if signed else ""), x + 8, canvas.y, SMALL, muted) + 24
    said = scale.hint(limit, scale_name)
    if said:
        canvas.paragraph(said, SMALL, muted)
    seen = {flag for a in analyses for letters in flags(a.tokens) for flag in letters}
    names = {"u": "dotted: not in the vocabulary", "d": "struck: deleted", "m": "dashed: masked",
             "1": "line, e1: the first marked word", "2": "two lines, e2: the second marked word"}  # fmt: skip
    marks = [words for flag, words in names.items() if flag in seen]
    if marks:
        canvas.paragraph(" · ".join(marks), SMALL, muted)
