"""Whatever is typed and whatever lies in the zoo: a sensible picture or a sentence, never a traceback."""

from __future__ import annotations

import shutil

import pytest
from app_zoo import make_zoo, open_app, payload, read, said

from pages import _cache, _parts
from pages._state import Key

PAGES = ("compare", "gradient", "norms")
NASTY = {
    "markup": '<img src=x onerror="alert(1)"> <script>alert(2)</script> & &lt;b&gt;',
    "markdown": "**bold** [link](http://example.org) ![image](http://example.org/x.png) `code` $x^2$ :smile: # head",
    "control": "good\x00 film\x01\x02 bad\x1b[31m\x7f\x85 \u202eevil\u202c \ufeff",
    "emoji": "👨‍👩‍👧‍👦 🇨🇭 👍🏽 ❤️ 🙂",
    "arabic": "الفيلم ليس سيئًا، لكنه لا ينبض بالحياة.",
    "chinese": "这部电影不错，但是从来没有真正活起来。",
    "mixed": "The film שלום is 好 good 🙂 العربية.",
    "combining": "e\u0301\u0323 Z\u0351\u036b\u0343a\u0330l\u0321go",
    "one word": "good",
    "one mark": "!",
    "marks": "?!... --- ;;",
    "long word": "a" * 3000,
    "lines": "good\n\n\nfilm\r\nbad\tstory\u2028end",
}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", NASTY)
def test_any_text_gives_a_picture_or_a_sentence(name, page):
    app = read(open_app(page), NASTY[name])
    assert not app.error
    if page == "compare":
        assert payload(app)["text"]
        assert len(payload(app)["readers"]) == 3
    else:
        assert app.get("vega_lite_chart") or app.info


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("text", ["", "   \n\t ", "\x00\x01\u200b\ufeff", "\u202e\u202c"])
def test_nothing_to_read_is_a_sentence_in_place_of_the_picture(text, page):
    app = read(open_app(page), text)
    assert "There is no word to read in this text" in said(app)
    assert not app.get("bidi_component")
    assert not app.error


def test_the_texts_own_characters_reach_the_component_as_data_only():
    app = read(open_app(), NASTY["markup"])
    joined = "".join(before + word for before, word, _ in payload(app)["text"])
    assert joined == NASTY["markup"]
    for html in app.get("html"):
        assert "<img" not in html.value
        assert "<script" not in html.value


def test_a_chosen_word_of_markup_is_escaped_in_the_tables():
    from app_zoo import choose

    app = choose(read(open_app(), "<b>good</b> film"), 0)
    for html in app.get("html"):
        assert "<b>" not in html.value
    assert "chosen: “<”" in said(app)


def test_a_very_long_text_is_cut_and_says_so():
    app = read(open_app(), "good film, bad story. " * 1000)
    assert len(payload(app)["text"]) == 40
    assert "were not read" in payload(app)["note"]
    assert "5,960" in payload(app)["note"]


@pytest.mark.parametrize("page", ["debate", "gradient"])
def test_what_was_not_read_is_said_where_a_text_is_experimented_on(page):
    app = open_app(page)
    assert not any("were not read" in caption.value for caption in app.caption)
    app = read(app, "good film, bad story. " * 1000)
    (note,) = (caption.value for caption in app.caption if "were not read" in caption.value)
    assert note == "Read: the first 40 tokens. The remaining 5,960 were not read."


def test_a_text_beyond_all_bounds_is_kept_in_part_and_says_so():
    app = read(open_app(), "good film " * 9_000)
    assert any("the first 40,000 were kept" in warning.value.replace("\\", "") for warning in app.warning)
    assert payload(app)["readers"]


@pytest.mark.parametrize("page", PAGES)
def test_a_link_whose_edits_do_not_fit_the_text_can_be_restored(page):
    app = open_app(page, {"text": "good film", "edits": "d7", "word": "9"})
    assert "choose one of them" in said(app)
    app.button(key=Key.RESTORE).click().run()
    assert not app.exception
    assert "choose one of them" not in said(app)
    assert app.get("bidi_component") or app.get("vega_lite_chart")


def damaged(zoo, tmp_path, monkeypatch):
    """A copy of the zoo that may be broken."""
    copy = tmp_path / "copy"
    shutil.copytree(zoo, copy)
    monkeypatch.setenv("POOLSCOPE_ZOO", str(copy))
    return copy


@pytest.mark.parametrize("how", ["cut", "flipped", "missing", "foreign"])
def test_bad_weights_cost_one_reader_a_sentence(zoo, tmp_path, monkeypatch, how):
    folder = damaged(zoo, tmp_path, monkeypatch)
    weights = folder / "sst2" / "bilstm-apln.safetensors"
    data = weights.read_bytes()
    if how == "missing":
        weights.unlink()
    else:
        new = {"cut": data[:-9], "flipped": data[:-1] + bytes([data[-1] ^ 1]), "foreign": b"PK\x03\x04" * 50}
        weights.write_bytes(new[how])
    app = open_app()
    assert [reader["id"] for reader in payload(app)["readers"]] == ["sst2/bilstm/attention", "sst2/cnn/max"]
    (warning,) = app.warning
    assert "bilstm-apln.safetensors" in warning.value.replace("\\", "")
    assert "restore" in warning.value
    app.switch_page("pages/norms.py").run()
    assert not app.exception
    assert "restore" in said(app)


def test_a_damaged_word_table_stops_its_task_only(zoo, tmp_path, monkeypatch):
    folder = damaged(zoo, tmp_path, monkeypatch)
    (folder / "sst2" / "words.txt").write_text("good\nbad")
    app = open_app()
    assert "words.txt" in said(app).replace("\\", "")
    assert not app.get("bidi_component")
    app.selectbox(key=Key.TASK).select("ag_news").run()
    assert len(payload(app)["readers"]) == 3


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": 1}', '{"format": 99}'])
def test_a_bad_card_is_named_and_the_others_work(zoo, tmp_path, monkeypatch, content):
    folder = damaged(zoo, tmp_path, monkeypatch)
    (folder / "sst2" / "odd.json").write_text(content)
    app = open_app()
    assert any("odd.json" in warning.value.replace("\\", "") for warning in app.warning)
    assert len(payload(app)["readers"]) == 3


@pytest.mark.parametrize("page", ["compare", "gradient", "distributions", "norms", "zoo", "movie", "about"])
def test_an_empty_zoo_says_how_to_fill_it(tmp_path, monkeypatch, page):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(tmp_path / "nothing"))
    app = open_app(page)
    assert "make train" in said(app)
    assert "POOLSCOPE\\_ZOO" in said(app)


def test_an_unforeseen_error_is_a_sentence_too(monkeypatch):
    def explode(*_):
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr(_cache, "_analysis", explode)
    app = open_app()
    assert _cache.UNEXPECTED.split(";")[0] in said(app)
    assert "ZeroDivision" not in said(app)


def test_own_classifiers_stand_beside_the_shipped_ones(zoo, tmp_path, monkeypatch):
    import app_zoo

    monkeypatch.setattr(app_zoo, "READERS", (("bilstm", "mean"),))
    own = make_zoo(tmp_path / "own", {"tickets": ("billing", "repair", "other")})
    monkeypatch.setenv("POOLSCOPE_ZOO", f"{zoo}:{own}")
    app = open_app(params={"task": "tickets"})
    assert [bar[0] for bar in payload(app)["readers"][0]["bars"]] == ["billing", "repair", "other"]
    assert list(app.selectbox(key=Key.TASK).options)[-1] == "tickets"


def test_plain_sentences_hold_no_markdown():
    for text in ("**a** [b](c) `d` $e$ <img> :smile: # f", "a\\*b"):
        plain = _parts.plain(text)
        assert plain.replace("\\\\", "\x00").replace("\\", "").replace("\x00", "\\") == text
        for mark in "*[]`$<>:#_":
            assert f"\\{mark}" in plain or mark not in text
