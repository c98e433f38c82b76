"""Downloads parse, round-trip, fetch nothing and say where they come from."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import struct
import zlib
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
import viz_records as invented
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.records import Attribution, Request
from viz import export, markup, png

VERSIONS = {"poolscope": "0.1.0", "torch": "2.13.0"}
ANYTHING = st.text(st.characters(exclude_categories=()), min_size=1, max_size=50)
NASTY = "<script>alert(1)</script> <img src=x onerror=alert(1)> a\x00b \u202eevil ]]> \ud800 \"'&amp;"
SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta"}


class Strict(HTMLParser):
    """Checks that tags are balanced and collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.links, self.maps = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        values = dict(attrs)
        self.links += [v for k, v in attrs if k in ("src", "href") or k.startswith("on")]
        if "map" in (values.get("class") or "").split():
            self.maps.append("")
        if tag not in VOID:
            self.open.append((tag, "map" in (values.get("class") or "").split()))

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if any(inside for _, inside in self.open):
            self.maps[-1] += data


def parse_html(source: str) -> Strict:
    found = Strict()
    found.feed(source)
    found.close()
    assert found.open == []
    return found


def chunks_by_hand(data: bytes) -> dict[bytes, bytes]:
    found, place = {}, 8
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        content = data[place + 8 : place + 8 + size]
        (check,) = struct.unpack(">I", data[place + 8 + size : place + 12 + size])
        assert zlib.crc32(kind + content) == check
        found[kind] = found.get(kind, b"") + content
        place += 12 + size
    return found


def test_csv_round_trip():
    analyses = invented.compare('Good , bad "quoted"\nline', readers=3)
    rows = list(csv.DictReader(io.StringIO(export.analyses_csv(analyses, VERSIONS))))
    for analysis in analyses:
        for a in analysis.attributions:
            mine = [r for r in rows if r["model"] == analysis.model.id and r["method"] == a.key]
            if a.scores is None:
                assert [(r["note"], r["value"]) for r in mine] == [(a.reason, "")]
                continue
            assert [float(r["value"]) for r in mine] == list(a.scores)
            assert [r["word"] for r in mine] == [t.text for t in analysis.tokens]
            assert [analysis.request.text[int(r["start"]) : int(r["end"])] for r in mine] == [r["word"] for r in mine]
            assert sum(abs(float(r["share"])) for r in mine) == pytest.approx(1.0)
    assert {(r["digest"], r["seed"]) for r in rows} == {(a.model.digest, "1") for a in analyses}
    assert all(
        r["versions"] == "poolscope 0.1.0, torch 2.13.0" and "methods: attention" in r["arguments"] for r in rows
    )


def test_json_round_trip_is_exact():
    request = Request(NASTY, target=1, deleted=(2,), masked=(0, 1))
    analyses = [invented.analysis(NASTY, 1, request=request)]
    content = json.loads(export.analyses_json(analyses, VERSIONS, "share").encode("ascii"))
    assert content["versions"] == VERSIONS
    assert content["models"] == [{"id": "sst2/bilstm/apln", "digest": analyses[0].model.digest, "seed": 1}]
    (back,) = content["analyses"]
    assert back["request"]["text"] == NASTY
    assert back["request"]["deleted"] == [2]
    maps = tuple(
        Attribution(**{**a, "scores": a["scores"] and tuple(a["scores"]), "params": ()}) for a in back["attributions"]
    )
    assert maps == analyses[0].attributions
    assert json.loads(json.dumps(dataclasses.asdict(analyses[0]))) == back


@settings(max_examples=25, deadline=None)
@example(NASTY)
@given(ANYTHING)
def test_html_is_balanced_and_shows_the_text(text):
    analysis = invented.analysis(text)
    source = export.heatmap_html([analysis], versions=VERSIONS)
    found = parse_html(source)
    assert not {"script", "img", "link", "iframe", "object"} & found.tags
    assert found.links == []
    kept = analysis.tokens
    if kept:
        end = kept[-1].end
        gaps = [text[a.end : b.start] for a, b in zip(kept, kept[1:], strict=False)]
        words = [t.text for t in kept]
        expected = markup.visible(text[: kept[0].start]) + "".join(
            markup.visible(w) + markup.visible(g) for w, g in zip(words, [*gaps, ""], strict=True)
        )
        assert end <= len(text)
        assert set(found.maps) == {expected}
    source.encode("utf-8")


def test_html_asks_for_nothing_and_carries_provenance():
    analyses = invented.compare(readers=2)
    source = export.heatmap_html(analyses, versions=VERSIONS)
    assert not re.search(r"https?:|url\(|@import|src=", source)
    assert "color-scheme:light dark" in source
    for words in (analyses[0].model.digest, analyses[1].model.id, "torch 2.13.0", "target: predicted class", "seed 1"):
        assert words in source


def test_html_is_linear_in_tokens():
    short, long = (len(export.heatmap_html([invented.analysis("word " * n)])) for n in (300, 600))
    assert long < 2.1 * short


@settings(max_examples=25, deadline=None)
@example(NASTY)
@given(ANYTHING)
def test_svg_is_xml_and_shows_every_word(text):
    analysis = invented.analysis(text)
    source = export.heatmap_svg([analysis], versions=VERSIONS, trace=False)
    root = ElementTree.fromstring(source)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "title", "metadata", "rect", "text", "line"}
    drawn = "".join(e.text or "" for e in root.iter(f"{SVG}text"))
    drawn = re.sub(r"\s", "", drawn)
    for token in analysis.tokens:
        word = re.sub(r"\s", "", markup.visible(token.text))
        if token.known and len(word) < 8:
            assert word in drawn


def test_svg_names_scale_target_method_and_digest():
    analyses = invented.compare(readers=2)
    source = export.heatmap_svg(analyses, versions=VERSIONS)
    words = "".join(e.text or "" for e in ElementTree.fromstring(source).iter(f"{SVG}text"))
    for expected in ("share of absolute mass", analyses[0].model.digest, "integrated gradients", "torch 2.13.0",
                     f"for “{analyses[0].prediction.label}”", "target: predicted class"):  # fmt: skip
        assert expected in words
    about = json.loads(ElementTree.fromstring(source).find(f"{SVG}metadata").text)
    assert about["models"][0]["digest"] == analyses[0].model.digest
    assert not re.search(r"href|https?:(?!//www.w3.org/2000/svg)", source)


def test_svg_words_stay_on_the_page_and_lines_do_not_overlap():
    source = export.heatmap_svg([invented.analysis(" ".join([invented.SENTENCE] * 6))], width=600, trace=False)
    root = ElementTree.fromstring(source)
    height = float(root.get("height"))
    boxes = [
        tuple(float(r.get(k)) for k in ("x", "y", "width", "height"))
        for r in root.iter(f"{SVG}rect")
        if r.get("height") == "22.0" and r.get("rx") == "3"
    ]
    assert len(boxes) > 300
    assert all(x >= 28 and x + w <= 600 - 28 + 17 and 0 < y < height for x, y, w, _ in boxes)
    rows = sorted({y for _, y, _, _ in boxes})
    assert min(b - a for a, b in zip(rows, rows[1:], strict=False)) >= 22
    for row in rows:
        line = sorted(b for b in boxes if b[1] == row)
        assert all(a[0] + a[2] <= b[0] + 0.2 for a, b in zip(line, line[1:], strict=False))


def test_png_is_a_png_with_provenance():
    analyses = invented.compare("A 这部 😍 هذا", readers=1)
    data = export.heatmap_png(analyses, versions=VERSIONS, zoom=1)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    found = chunks_by_hand(data)
    width, height = struct.unpack(">II", found[b"IHDR"][:8])
    assert width == 900
    assert len(zlib.decompress(found[b"IDAT"])) == height * (4 * width + 1)
    keyword, _, rest = found[b"iTXt"].partition(b"\0")
    assert keyword == b"Description"
    assert json.loads(rest[4:])["models"][0]["digest"] == analyses[0].model.digest


def test_png_draws_colour():
    data = export.heatmap_png([invented.analysis("good bad")], zoom=1)
    pixels = zlib.decompress(chunks_by_hand(data)[b"IDAT"])
    assert len(set(pixels)) > 50
    with pytest.raises(ValueError, match="no PNG"):
        list(png.chunks(b"GIF89a"))


def test_rows_become_csv_with_all_columns():
    text = export.rows_csv([{"a": 1, "b": "x,\x00y"}, {"a": 2, "c": None}])
    assert list(csv.DictReader(io.StringIO(text))) == [
        {"a": "1", "b": "x,⟦NUL⟧y", "c": ""},
        {"a": "2", "b": "", "c": ""},
    ]


def test_csv_says_how_far_a_sampled_value_may_be_off_and_how_well_a_model_fits():
    sampled, plain = invented.analysis("one two three", 1).attributions[:2]
    errors = tuple(0.25 * i for i in range(len(sampled.scores)))
    found = dataclasses.replace(
        invented.analysis("one two three", 1),
        attributions=(dataclasses.replace(sampled, errors=errors, fit=0.5), plain),
    )
    rows = list(csv.DictReader(io.StringIO(export.analyses_csv([found], VERSIONS))))
    mine = [row for row in rows if row["method"] == sampled.key]
    assert [(float(row["error"]), float(row["fit"])) for row in mine] == [(error, 0.5) for error in errors]
    assert {(row["error"], row["fit"]) for row in rows if row["method"] == plain.key} == {("", "")}


def test_what_predictions_may_not_be_taken_for_leaves_with_them():
    analyses, caution = invented.compare(readers=2), "Not for judging people <really>."
    rows = list(csv.DictReader(io.StringIO(export.analyses_csv(analyses, VERSIONS, caution))))
    assert rows
    assert {row["caution"] for row in rows} == {caution}
    assert json.loads(export.analyses_json(analyses, VERSIONS, caution=caution))["caution"] == caution
    assert "Not for judging people &lt;really&gt;." in export.heatmap_html(analyses, versions=VERSIONS, caution=caution)
    said = chunks_by_hand(export.heatmap_png(analyses, versions=VERSIONS, zoom=1, caution=caution))[b"iTXt"]
    assert json.loads(said.partition(b"\0")[2][4:])["caution"] == caution
    # A task without a caution says nothing.
    assert "caution" not in json.loads(export.analyses_json(analyses, VERSIONS))
