"""Downloads: the numbers as CSV and JSON, the picture as HTML, SVG and PNG.

Everything that leaves carries the model ids and digests, the versions and the request's arguments, and what the
task's predictions may not be taken for.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from models.records import Analysis
from viz import markup, provenance, scale
from viz.heatmap import heatmap_html
from viz.svgmap import heatmap_png, heatmap_svg

__all__ = ["analyses_csv", "analyses_json", "heatmap_html", "heatmap_png", "heatmap_svg", "rows_csv"]

FORMAT = "poolscope-analyses/1"
COLUMNS = (
    "model", "digest", "seed", "method", "scalar", "target", "signed", "complete", "position", "start", "end",
    "word", "known", "state", "value", "error", "share", "rank", "relative_delta", "fit", "baseline", "note",
    "arguments", "versions", "caution",
)  # fmt: skip


def analyses_csv(
    analyses: Sequence[Analysis], versions: Mapping[str, str] | None = None, caution: str = ""
) -> str:
    """One line per reader × method × token; an undefined map is one line with its reason.

    ``start`` and ``end`` are offsets into the text as typed; ``word`` has control characters made
    visible, since spreadsheets stumble over them. ``error`` is the standard error of a sampled value, ``fit``
    the R² of values that come from a fitted model; ``caution`` what the task's predictions may not be taken for.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for analysis in analyses:
        writer.writerows(_lines(analysis, provenance.version_words(versions or {}), caution))
    return out.getvalue()


def _lines(analysis: Analysis, versions: str, caution: str) -> list[dict[str, object]]:
    """The lines of one analysis."""
    model, request = analysis.model, analysis.request
    found: list[dict[str, object]] = []
    for a in analysis.attributions:
        head: dict[str, object] = {
            "model": model.id, "digest": model.digest, "seed": model.seed, "method": a.key,
            "scalar": a.scalar, "target": model.labels[a.target], "signed": a.signed, "complete": a.complete,
            "relative_delta": a.relative_delta, "fit": a.fit, "baseline": a.baseline, "note": a.reason or a.warning,
            "arguments": provenance.request_words(request, model.labels), "versions": versions,
            "caution": caution,
        }  # fmt: skip
        if a.scores is None:
            found.append(head)
            continue
        numbers = zip(analysis.tokens, a.scores, scale.shares(a.scores), scale.ranks(a.scores), strict=True)
        found += [
            head
            | {
                "position": i, "start": token.start, "end": token.end, "word": markup.visible(token.text),
                "known": token.known, "state": token.state, "value": value, "share": share, "rank": rank,
                "error": None if a.errors is None else a.errors[i - 1],
            }
            for i, (token, value, share, rank) in enumerate(numbers, start=1)
        ]  # fmt: skip
    return found


def analyses_json(
    analyses: Sequence[Analysis],
    versions: Mapping[str, str] | None = None,
    scale_name: str | None = None,
    caution: str = "",
) -> str:
    """The records themselves, nothing rounded, under a header that says where they come from."""
    content: dict[str, Any] = {
        "format": FORMAT,
        **provenance.provenance(analyses, versions or {}, scale_name, caution),
        "analyses": [dataclasses.asdict(analysis) for analysis in analyses],
    }
    # ASCII escapes carry any character, lone surrogates included, through any encoding.
    return json.dumps(content, ensure_ascii=True, allow_nan=False, indent=1)


def rows_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Plain rows (of ``viz.tables`` or a figure) as CSV; columns in order of first appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: markup.visible(v) if isinstance(v, str) else v for k, v in row.items()})
    return out.getvalue()
