"""The film player alone in a shadow root: play, pause, step, slide, keyboard, and nothing that moves unasked."""

from __future__ import annotations

import dataclasses
import json

import pytest
from test_viz_component import FLAGS, MOUNT
from test_viz_film import film

from viz.component import component_source
from viz.movie import movie

pytestmark = pytest.mark.browser
NASTY = "It is <img src=x onerror=window.hit=1> ."


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

    def make(payload, width=1200, motion="no-preference"):
        page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion=motion)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("request", lambda request: page.errors.append(request.url) if request.url.startswith("http") else None)
        page.set_content("<!doctype html><html><body></body></html>")
        theme = {"--st-background-color": "#ffffff", "--st-text-color": "#1c2128"}
        page.clock.install(time=0)
        page.evaluate(MOUNT, [dataclasses.asdict(component_source("movie")), json.loads(json.dumps(payload)), theme])
        # From here on time passes only when a test says so.
        page.clock.pause_at(3_600_000)
        pages.append(page)
        return page

    yield make
    for page in pages:
        assert page.errors == []
        page.close()


def state(page):
    return page.evaluate(
        """() => ({
          epoch: root.querySelector('.epoch').textContent, play: root.querySelector('.play').textContent,
          slider: root.querySelector('.slider').value, said: root.querySelector('.live').textContent,
          heads: [...root.querySelectorAll('th.now')].map((e) => e.textContent),
          words: [...root.querySelectorAll('.words .w')].map((e) => e.className),
          values: [...root.querySelectorAll('.plothead b')].map((e) => e.textContent),
          chips: [...root.querySelectorAll('.chip')].map((e) => e.textContent),
          back: root.querySelector('.back').disabled, ahead: root.querySelector('.ahead').disabled,
          hit: window.hit, sent: window.sent,
        })"""
    )


def test_nothing_moves_before_play_is_pressed(mount):
    page = mount(movie([film()]))
    before = state(page)
    page.clock.run_for(10_000)
    assert state(page) == before
    assert (before["epoch"], before["slider"], before["back"], before["ahead"]) == ("epoch 1 of 3", "1", True, False)
    assert before["words"] == ["w u2", "w u2", "w u7", "w u9", "w u2"]
    assert before["heads"] == ["1"]
    assert before["chips"] == ["no 0.90"]


def test_play_goes_through_every_epoch_and_stops_at_the_end(mount):
    page = mount(movie([film()]))
    page.locator(".play").click()
    assert "Pause" in state(page)["play"]
    page.clock.run_for(1200)
    middle = state(page)
    assert middle["epoch"] == "epoch 2 of 3"
    assert middle["heads"] == ["2★"]
    assert middle["words"][0] == "w z"
    assert middle["values"] == ["1.40 (0.80–1.90)", "0.004", "\u22120.20", "0.810"]
    # A running film is not read aloud frame by frame.
    assert middle["said"] == ""
    page.clock.run_for(60_000)
    end = state(page)
    assert (end["epoch"], end["ahead"]) == ("epoch 3 of 3", True)
    assert "again" in end["play"]
    assert end["said"].startswith("Epoch 3. BiLSTM · APLN: no 0.50, strongest word “not” 72")
    page.locator(".play").click()
    assert state(page)["epoch"] == "epoch 1 of 3"
    assert end["sent"] == []


def test_pause_holds_the_frame_and_speed_changes_the_pace(mount):
    page = mount(movie([film()]))
    page.locator(".speed").select_option("0.5")
    page.locator(".play").click()
    page.clock.run_for(2000)
    assert state(page)["epoch"] == "epoch 1 of 3"
    page.clock.run_for(400)
    assert state(page)["epoch"] == "epoch 2 of 3"
    page.locator(".play").click()
    page.clock.run_for(60_000)
    held = state(page)
    assert held["epoch"] == "epoch 2 of 3"
    assert "Play" in held["play"]


def test_steps_slider_and_columns_lead_to_an_epoch_by_keyboard_too(mount):
    page = mount(movie([film(), film(model="sst2/cnn/apln")]))
    page.locator(".ahead").focus()
    page.keyboard.press("Enter")
    assert state(page)["epoch"] == "epoch 2 of 3"
    page.locator(".slider").focus()
    page.keyboard.press("End")
    assert (state(page)["epoch"], state(page)["heads"]) == ("epoch 3 of 3", ["3", "3"])
    page.keyboard.press("ArrowLeft")
    assert state(page)["epoch"] == "epoch 2 of 3"
    page.locator("thead button").first.focus()
    page.keyboard.press("Space")
    assert state(page)["epoch"] == "epoch 1 of 3"
    page.locator("td[data-epoch='3']").first.click()
    assert state(page)["epoch"] == "epoch 3 of 3"
    page.locator(".back").click()
    assert state(page)["epoch"] == "epoch 2 of 3"
    assert page.locator(".slider").get_attribute("aria-valuetext") == "epoch 2 of 3"


def test_a_shorter_training_stays_at_its_last_epoch_and_says_so(mount):
    short = film(tuple([(0.2,) * 5]), model="sst2/cnn/mean", settled=None, taus=(None,), distances=(0.0,), road=(),
                 attends=False)  # fmt: skip
    page = mount(movie([film(), short]))
    page.locator(".slider").press("End")
    assert "its training ended after epoch 1" in page.locator(".read").nth(1).text_content()
    assert page.locator("td.none").count() == 10
    assert "no attention to compare" in page.locator(".plot .say").nth(1).text_content()


def test_pointing_at_a_word_gives_its_number_everywhere(mount):
    page = mount(movie([film(), film(model="sst2/cnn/apln")]))
    page.locator(".words .w").nth(2).hover()
    assert page.locator(".read").all_text_contents() == ["“not” 30\u202f%"] * 2
    assert page.locator("tr.hot").count() == 2


def test_reduced_motion_changes_frames_without_transitions(mount):
    durations = "getComputedStyle(root.querySelector('.words .w')).transitionDuration"
    assert mount(movie([film()])).evaluate(durations) != "0s"
    page = mount(movie([film()]), motion="reduce")
    assert page.evaluate(durations) == "0s"
    page.locator(".play").click()
    page.clock.run_for(1200)
    assert state(page)["epoch"] == "epoch 2 of 3"


def test_another_sentence_starts_anew_and_another_reader_does_not(mount):
    page = mount(movie([film()]))
    page.locator(".slider").press("End")
    page.evaluate("(data) => draw(data)", movie([film(), film(model="sst2/cnn/apln")]))
    assert state(page)["epoch"] == "epoch 3 of 3"
    page.locator(".back").click()
    page.locator(".play").click()
    page.evaluate("(data) => draw(data)", movie([film(text="It was not bad .")]))
    page.clock.run_for(10_000)
    assert state(page)["epoch"] == "epoch 1 of 3"
    page.evaluate("(data) => draw(data)", movie([]))
    assert "film" in page.locator(".say").text_content()
    assert page.locator(".bar").is_hidden()


def test_text_is_text_and_narrow_screens_do_not_scroll_sideways(mount):
    from viz_records import tokens

    count = len(tokens(NASTY))
    page = mount(movie([film(tuple((1 / count,) * count for _ in range(3)), NASTY)]), width=380)
    assert page.evaluate("root.querySelectorAll('img').length") == 0
    assert state(page)["hit"] is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
