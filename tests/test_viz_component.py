"""The browser side of the token component, mounted in a shadow root as Streamlit does, but alone."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import viz_records as invented

from viz import palette
from viz.component import component_source
from viz.panels import panels

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
NASTY = "bad <img src=x onerror=window.hit=1> <script>window.hit=1</script>\nNew line \x00 \u202eevil"

MOUNT = """
async ([source, data, theme]) => {
  const host = document.body.appendChild(document.createElement("div"));
  for (const [name, value] of Object.entries(theme)) host.style.setProperty(name, value);
  window.root = host.attachShadow({ mode: "open" });
  const box = document.createElement("div");
  box.innerHTML = source.html;
  const style = document.createElement("style");
  style.textContent = source.css;
  box.append(style);
  root.append(box);
  const url = URL.createObjectURL(new Blob([source.js], { type: "text/javascript" }));
  window.module = await import(url);
  window.sent = [];
  window.draw = (payload) =>
    module.default({ data: payload, parentElement: root, setStateValue: (name, value) => sent.push([name, value]) });
  draw(data);
}
"""


def test_source_is_inline_code_that_asks_for_nothing():
    source = component_source()
    assert "\n" in source.css.strip()
    assert "\n" in source.js.strip()
    for text in (source.html, source.css, source.js):
        assert not re.search(r"https?://|@import|url\(", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source.js)
    assert "export default function" in source.js


def test_css_holds_every_colour_class_and_no_colour_of_the_page():
    source = component_source()
    for size in range(1, palette.STEPS + 1):
        for kind in "upn":
            assert f".{kind}{size}{{" in source.css
    own = source.css.split(":host{--unsigned")[0]
    assert not re.search(r"#[0-9a-fA-F]{6}\b", own)
    assert "--st-text-color" in own
    assert "--st-background-color" in own


@pytest.fixture(scope="module")
def browser(chromium):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def mount(browser):
    pages = []

    def make(payload, width=1200, dark=False):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("request", lambda request: page.errors.append(request.url) if request.url.startswith("http") else None)
        page.set_content("<!doctype html><html><body></body></html>")
        source = component_source()
        theme = {
            "--st-background-color": "#14171c" if dark else "#ffffff",
            "--st-text-color": "#e7eaee" if dark else "#1c2128",
        }
        page.evaluate(MOUNT, [dataclasses.asdict(source), json.loads(json.dumps(payload)), theme])
        pages.append(page)
        return page

    yield make
    for page in pages:
        page.close()


def state(page):
    return page.evaluate(
        """() => ({
          sent: window.sent, hit: window.hit,
          selected: [...root.querySelectorAll('.source [aria-selected="true"]')].map((e) => e.textContent),
          on: root.querySelectorAll('.map .w.on').length, hot: root.querySelectorAll('.map .w.hot').length,
          stops: root.querySelectorAll('.source .w[tabindex="0"]').length,
          focus: root.activeElement && root.activeElement.textContent,
        })"""
    )


@pytest.mark.browser
def test_user_text_is_text_and_keeps_its_line_breaks(mount):
    page = mount(panels([invented.analysis(NASTY)]))
    tags = set(page.evaluate("[...root.querySelectorAll('*')].map((e) => e.tagName)"))
    assert not {"IMG", "SCRIPT", "IFRAME"} & tags
    shown = page.evaluate("root.querySelector('.words').textContent")
    assert shown == NASTY.replace("\x00", "⟦NUL⟧").replace("\u202e", "⟦RLO⟧")
    assert state(page)["hit"] is None
    assert page.errors == []


@pytest.mark.browser
def test_a_click_marks_the_token_in_all_panels_and_tells_python(mount):
    payload = panels(invented.compare(readers=3))
    page = mount(payload)
    rows = sum("v" in row for reader in payload["readers"] for row in reader["rows"])
    page.locator(".source .w").nth(4).click()
    assert state(page)["sent"] == [["selected", 4]]
    assert state(page)["selected"] == ["bad"]
    assert state(page)["on"] == rows
    page.locator(".map .w[data-i='7']").first.click()
    assert state(page)["sent"][-1] == ["selected", 7]
    page.locator(".source .w").nth(7).click()
    assert state(page)["sent"][-1] == ["selected", None]
    assert state(page)["on"] == 0


@pytest.mark.browser
def test_marked_words_are_named_and_their_quiet_marks_can_be_clicked(mount):
    text = "The <e1> old letters </e1> lay in a <e2> box </e2> ."
    page = mount(panels([invented.analysis(text)]))
    assert page.evaluate("root.querySelector('.words').textContent") == text
    drawn = page.evaluate(
        """() => [...root.querySelectorAll('.source .words .w')].map((word) => {
          const own = getComputedStyle(word);
          const name = getComputedStyle(word, '::after').content;
          const told = [word.textContent, word.getAttribute('aria-label'), name];
          return [...told, own.borderBottomStyle, parseFloat(own.fontSize)];
        })"""
    )
    words = {word: rest for word, *rest in drawn}
    assert words["old"][:3] == ["old, in e1", "none", "solid"]
    assert words["letters"][:3] == ["letters, in e1", '"e1"', "solid"]
    assert words["box"][:3] == ["box, in e2", '"e2"', "double"]
    assert words["lay"][:3] == ["lay", "none", "none"]
    assert words["<e1>"][0] == "<e1>, mark of an entity"
    assert words["<e1>"][3] < 0.8 * words["lay"][3]
    page.locator(".source .w").nth(1).click()
    assert state(page)["sent"] == [["selected", 1]]
    assert "in e2" in page.locator(".aside").inner_text()
    assert page.errors == []


@pytest.mark.browser
def test_keys_move_and_select_with_one_tab_stop(mount):
    page = mount(panels(invented.compare(readers=2)))
    page.keyboard.press("Tab")
    assert state(page)["focus"] == "The"
    for key, word in (
        ("ArrowRight", "film"),
        ("End", "."),
        ("ArrowLeft", "alive"),
        ("Home", "The"),
        ("ArrowRight", "film"),
    ):
        page.keyboard.press(key)
        assert state(page)["focus"] == word
    assert state(page)["stops"] == 1
    assert "#" in page.locator(".read").first.text_content()
    page.keyboard.press("Enter")
    assert state(page)["sent"] == [["selected", 1]]
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    assert state(page)["sent"][-1] == ["selected", 2]
    page.keyboard.press("Escape")
    assert state(page)["sent"][-1] == ["selected", None]


@pytest.mark.browser
def test_arrows_follow_the_eye_in_right_to_left_text(mount):
    page = mount(panels([invented.analysis("هذا الفيلم جيد")]))
    assert page.evaluate("root.querySelector('.words').dir") == "rtl"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert state(page)["focus"] == "الفيلم"


@pytest.mark.browser
def test_a_rerun_keeps_nodes_focus_and_the_newest_click(mount):
    analyses = invented.compare(readers=2)
    page = mount(panels(analyses))
    page.evaluate("root.querySelectorAll('.source .w')[3].focus(); window.kept = root.querySelector('.map .w')")
    page.keyboard.press("Enter")
    stale = json.loads(json.dumps(panels(analyses, selected=None)))
    page.evaluate("(data) => draw(data)", stale)
    assert state(page)["selected"] == ["not"]
    assert state(page)["focus"] == "not"
    fresh = json.loads(json.dumps(panels(analyses, selected=3, scale_name="raw")))
    page.evaluate("(data) => draw(data)", fresh)
    assert state(page)["selected"] == ["not"]
    assert page.evaluate("window.kept === root.querySelector('.map .w')")
    page.evaluate("(data) => draw(data)", stale)
    assert state(page)["selected"] == []
    # Another text, first of the same length and then shorter: no map may keep the old words.
    for text in (" ".join(["Another"] * len(analyses[0].tokens)), "Another text"):
        other = json.loads(json.dumps(panels([invented.analysis(text)])))
        page.evaluate("(data) => draw(data)", other)
        assert page.evaluate("root.querySelectorAll('.panel').length") == 1
        assert set(page.evaluate("[...root.querySelectorAll('.map')].map((m) => m.textContent)")) == {text}
    assert page.errors == []


@pytest.mark.browser
def test_hover_shows_value_share_and_rank_everywhere(mount):
    analysis = invented.analysis(reader=0)
    page = mount(panels([analysis], trace=False))
    page.locator(".row", has_text="saliency").locator(".w").nth(3).hover()
    (a,) = (m for m in analysis.attributions if m.method == "saliency")
    place = 1 + sum(abs(s) > abs(a.scores[3]) for s in a.scores)
    tip = page.locator(".tip").inner_text()
    assert tip.startswith("not")
    assert f"saliency: {a.scores[3]:.3f}" in tip
    assert f"rank {place} of {len(a.scores)}" in tip
    assert state(page)["hot"] == 6
    reads = page.locator(".read").all_text_contents()
    for a, words in zip(analysis.attributions, reads, strict=True):
        place = 1 + sum(abs(s) > abs(a.scores[3]) for s in a.scores)
        assert words.endswith(f"#{place}")
    page.locator("h3").first.hover()
    assert page.locator(".tip").is_hidden()
    assert state(page)["hot"] == 0


@pytest.mark.browser
def test_the_name_of_a_method_opens_its_card(mount):
    page = mount(panels(invented.compare(readers=2)))
    button = page.get_by_role("button", name="integrated gradients").first
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    assert "padding embedding (zero)" in page.locator(".card:not([hidden])").inner_text()
    page.get_by_role("button", name="saliency").first.click()
    assert page.locator(".card:not([hidden])").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".card:not([hidden])").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_colours_follow_the_theme_and_stay_legible(mount, dark):
    page = mount(panels(invented.compare(readers=2)), dark=dark)
    pairs = page.evaluate(
        """() => [...root.querySelectorAll('.map .w:not(.z)')].map((e) => {
          const css = getComputedStyle(e); return [css.backgroundColor, css.color]; })"""
    )
    hexes = [
        ["#" + "".join(f"{int(c):02x}" for c in re.findall(r"\d+", colour)[:3]) for colour in pair] for pair in pairs
    ]
    assert len(hexes) > 50
    assert all(palette.contrast(*pair) >= 4.5 for pair in hexes)
    known = {palette.swatch(s, signed, dark).background for signed in (False, True) for s in range(-16, 17)}
    assert {background for background, _ in hexes} <= known


@pytest.mark.browser
def test_panels_stack_on_a_narrow_screen_and_nothing_scrolls_sideways(mount):
    payload = panels(invented.compare("supercalifragilisticexpialidocious" * 3 + " film is bad", readers=3))
    lefts = {}
    for width in (1400, 420):
        page = mount(payload, width=width)
        boxes = page.evaluate("[...root.querySelectorAll('.panel')].map((e) => e.getBoundingClientRect().left)")
        lefts[width] = len(set(boxes))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert lefts == {1400: 3, 420: 1}


@pytest.mark.browser
def test_equal_methods_stand_side_by_side(mount):
    analyses = invented.compare(readers=3)
    warned = tuple(
        dataclasses.replace(a, warning="A long sentence about this map. " * 6) if a.method == "saliency" else a
        for a in analyses[1].attributions
    )
    fewer = tuple(a for a in analyses[2].attributions if a.method != "saliency")
    analyses = [
        analyses[0],
        dataclasses.replace(analyses[1], attributions=warned),
        dataclasses.replace(analyses[2], attributions=fewer),
    ]
    page = mount(panels(analyses), width=1400)
    tops = page.evaluate(
        """() => [...root.querySelectorAll('.panel')].map((panel) =>
          [...panel.querySelectorAll('.row')].map((row) => Math.round(row.getBoundingClientRect().top)))"""
    )
    assert tops[0] == tops[1]
    assert tops[2] == tops[0][:4] + tops[0][5:]


@pytest.mark.browser
def test_nothing_to_show_is_a_sentence_and_comes_back(mount):
    page = mount(panels([]))
    assert "add one" in page.locator(".source").inner_text()
    page.evaluate("(data) => draw(data)", json.loads(json.dumps(panels([invented.analysis()]))))
    assert page.locator(".panel").count() == 1
    page.evaluate("(data) => draw(data)", json.loads(json.dumps(panels([]))))
    assert page.locator(".panel").count() == 0
    assert page.errors == []


@pytest.mark.browser
def test_long_texts_draw_in_time_and_can_be_unfolded(mount):
    analyses = invented.compare("word " * 500, readers=6)
    page = mount(panels([analyses[0]]))
    milliseconds = page.evaluate(
        "(data) => { const t = performance.now(); draw(data); root.host.offsetHeight; return performance.now() - t; }",
        json.loads(json.dumps(panels(analyses))),
    )
    assert page.locator(".map .w").count() > 15_000
    assert milliseconds < 5_000
    folded = page.evaluate("root.querySelector('.map').clientHeight")
    page.get_by_role("button", name="Show whole maps").click()
    assert page.evaluate("root.querySelector('.map').clientHeight") > 2 * folded
