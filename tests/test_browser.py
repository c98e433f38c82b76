"""A real browser on a real server: what a person does on pages 1 to 3, and what must never happen."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.request import urlopen

import pytest
from app_zoo import ROOT, make_zoo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 60_000  # ms; the machine may be busy
# Streamlit's app says "notRunning" for a moment between one run and the next: calm is what lasts.
CALM = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const still = app && app.dataset.testScriptState === "notRunning";
  window.calmSince = still ? (window.calmSince ?? performance.now()) : undefined;
  return still && performance.now() - window.calmSince > 500;
}"""
# On a page's own address Streamlit's front end first looks for the server below that page.
PROBE = re.compile(r"/(gradient|debate|distributions|norms|zoo|movie|about)/_stcore/")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def streamlit_command(port):
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.headless", "true",
            "--server.port", str(port), "--server.fileWatcherType", "none"]  # fmt: skip


@contextmanager
def serve(zoo, log):
    """Run ``streamlit run app.py`` on a free port and yield its address."""
    port = free_port()
    command = streamlit_command(port)
    env = {**os.environ, "POOLSCOPE_ZOO": str(zoo), "OMP_NUM_THREADS": "1"}
    with log.open("w") as out, subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(f"{address}/_stcore/health", process, log)
            yield address
        finally:
            process.terminate()


def _wait(url, process, log):
    for _ in range(300):
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
    raise AssertionError(log.read_text())


class Visit:
    """A browser page that remembers every request and every complaint."""

    def __init__(self, page):
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda websocket: self.requests.append(websocket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._console)

    def _console(self, message):
        if message.type == "error" and not PROBE.search(message.location.get("url", "")):
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def open(self, url):
        self.page.goto(url)
        self.settle()
        return self

    def settle(self):
        """Wait until Streamlit has drawn everything."""
        self.page.evaluate("() => { window.calmSince = undefined; }")
        self.page.wait_for_function(CALM)

    def choose(self, box, option):
        """Open a select box and click one of its options; a list that a late run closed is opened again."""
        from playwright.sync_api import TimeoutError as TooLate

        for _ in range(10):
            self.settle()
            self.page.get_by_role("combobox", name=re.compile(box)).click()
            try:
                self.page.get_by_role("option").first.wait_for(timeout=3000)
                option(self.page).click(timeout=5000)
            except TooLate:
                self.page.keyboard.press("Escape")
                continue
            return
        raise AssertionError(f"{box}: the list never offered what was to be chosen")

    def check(self):
        """No request left this machine, and nothing was complained of."""
        strangers = [url for url in self.requests if not re.match(r"(https?|ws)://127\.0\.0\.1:|data:|blob:", url)]
        assert strangers == []
        assert len(self.requests) > 5
        assert self.complaints == []
        assert self.page.locator('[data-testid="stException"]').count() == 0

    def leave(self):
        """Check and close, once."""
        if not self.page.is_closed():
            self.check()
            self.page.context.close()

    @property
    def words(self):
        return self.page.locator(".words .w")

    def text(self):
        return self.page.locator(".words").inner_text()

    def read(self, text):
        self.page.get_by_role("textbox", name="Your text").fill(text)
        self.page.get_by_role("button", name="Read", exact=True).click()


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def server(zoo, tmp_path_factory):
    with serve(zoo, tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visit(browser):
    """Open a fresh visitor; every visit is checked when the test is over."""
    visits = []

    def fresh(width=1440, height=1100):
        context = browser.new_context(viewport={"width": width, "height": height})
        visits.append(Visit(context.new_page()))
        return visits[-1]

    yield fresh
    for one in visits:
        one.leave()


def test_a_fresh_server_opens_a_page_by_its_own_address(zoo, tmp_path, visit):
    # Streamlit runs the files of pages/ by themselves until the first navigation is drawn.
    with serve(zoo, tmp_path / "server.log") as address:
        one = visit().open(f"{address}/norms?p=50")
        one.page.get_by_role("heading", name="Turn the dial").wait_for()
        one.page.get_by_role("combobox", name=re.compile("Task")).first.wait_for()
        assert "p=50" in one.page.url
        # Before the server goes, which the page would complain of.
        one.leave()


def test_a_walk_through_the_pages(server, visit):
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE)
    one = visit().open(server)
    page = one.page
    one.words.nth(4).wait_for()
    assert one.text() == "The film is not bad, but it never quite comes alive."

    # Type a sentence.
    one.read("A good cast, but it never comes alive.")
    page.locator(".words .w", has_text="cast").wait_for()
    expect(page.locator(".panel")).to_have_count(3)
    one.settle()
    assert "text=" not in page.url
    assert "example=" not in page.url

    # Click a word: it is marked wherever it stands, and told about.
    one.words.nth(6).click()
    page.get_by_text("chosen: “never”").wait_for()
    marked = page.locator(".w.on")
    maps = page.locator(".row .map:visible").count()
    assert maps >= 9
    assert marked.count() == maps + 1
    assert set(marked.all_inner_texts()) == {"never"}
    page.get_by_role("heading", name="The chosen word").wait_for()
    assert page.locator(".ps-rows").first.locator("tbody tr").count() == 3

    # Delete it: the text says so, the numbers change, undo brings them back.
    numbers = page.locator(".panel .num")
    before = numbers.all_inner_texts()
    assert len(before) == 6
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("edited: “never” deleted").wait_for()
    page.locator(".words .w.f-d").wait_for()
    one.settle()
    expect(numbers).not_to_have_text(before)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("edited:").wait_for(state="detached")
    one.settle()
    expect(numbers).to_have_text(before)

    # The keyboard reaches a word as well.
    one.words.nth(6).click()
    page.locator(".w.on").first.wait_for(state="detached")
    one.words.nth(6).focus()
    for key in ("ArrowLeft", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("chosen: “but”").wait_for()
    assert set(marked.all_inner_texts()) == {"but"}

    # The other pages read the same text with the same readers.
    page.get_by_role("link", name="Attention against gradient").click()
    page.get_by_role("heading", name="Where does the order break?").wait_for()
    page.locator(".ps-ladder").wait_for()
    page.locator('[data-testid="stVegaLiteChart"] svg, [data-testid="stVegaLiteChart"] canvas').nth(1).wait_for()
    assert "Leave-one-out" in page.locator(".ps-ladder").inner_text()
    page.get_by_role("link", name="Norms").click()
    page.get_by_role("heading", name="Turn the dial").wait_for()
    one.settle()
    dial = page.get_by_role("slider").first
    dial.focus()
    dial.press("ArrowRight")
    page.wait_for_url(re.compile(r"[?&]p=\d"))
    page.get_by_role("button", name="Back to learned").click()
    page.wait_for_url(re.compile(r"^(?!.*[?&]p=)"))
    page.get_by_role("link", name="About").click()
    page.get_by_role("heading", name="How to read the numbers").wait_for()
    page.get_by_role("link", name="Compare").click()
    page.locator(".words .w", has_text="cast").wait_for()


def test_a_click_is_kept_in_the_address_and_the_address_opens_the_same_view(server, visit):
    one = visit().open(server)
    one.words.nth(8).click()
    one.page.wait_for_url(re.compile("word=8"))
    one.page.get_by_role("button", name="Mask").click()
    one.page.wait_for_url(re.compile("edits=m8"))
    one.settle()

    two = visit().open(one.page.url)
    two.words.nth(8).wait_for()
    two.settle()
    assert two.text() == one.text()
    assert "f-m" in two.words.nth(8).get_attribute("class")
    assert set(two.page.locator(".w.on").all_inner_texts()) == {"never"}
    for part in (".panel .num", ".panel .digest", ".panel .method"):
        assert two.page.locator(part).all_inner_texts() == one.page.locator(part).all_inner_texts()
    # A second click on the same word takes the choice back, also in a view opened from a link.
    two.words.nth(8).click()
    two.page.wait_for_url(re.compile("^(?!.*word=)"))
    assert two.page.locator(".w.on").count() == 0


def test_markup_in_a_text_stays_text(server, visit):
    one = visit().open(server)
    # A link is one token, whatever is in it.
    link = "http://a/<img/src=x>"
    text = f'<img src=x onerror="hacked=1"> <script>hacked=2</script> ![i](http://example.org/i.png) {link}'
    one.read(text)
    word = one.words.filter(has_text=link)
    word.wait_for()
    one.settle()
    assert one.text() == text
    word.click()
    one.page.get_by_text(f"chosen: “{link}”").wait_for()
    one.page.locator(".ps-rows").nth(1).wait_for()
    one.page.get_by_role("button", name="Delete").click()
    one.page.get_by_text(f"edited: “{link}” deleted").wait_for()
    for name in ("Attention against gradient", "Norms", "Compare"):
        one.page.get_by_role("link", name=name).click()
        one.page.get_by_role("heading", name=name, exact=True).wait_for()
        one.settle()
        # Locators look into shadow roots, too.
        assert one.page.locator('img[src^="x"], img[src*="example.org"]').count() == 0
        assert one.page.evaluate("typeof hacked") == "undefined"


def test_nothing_scrolls_sideways_on_a_narrow_screen(server, visit):
    one = visit(width=420, height=900)
    for path in ("", "gradient", "norms", "about"):
        one.open(f"{server}/{path}")
        one.page.get_by_role("heading", level=1).wait_for()
        one.settle()
        wide, narrow = one.page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]'); "
            "return [Math.max(main.scrollWidth, document.documentElement.scrollWidth), innerWidth]; }"
        )
        assert wide <= narrow, path


def test_downloads_carry_what_the_page_shows(server, visit):
    one = visit().open(server)
    one.words.nth(4).wait_for()
    one.page.get_by_role("button", name="Download").click()
    starts = {
        "Heatmap, HTML": b"<!", "Heatmap, PNG": b"\x89PNG", "All numbers, CSV": b"model,", "All records, JSON": b"{",
    }  # fmt: skip
    for label, start in starts.items():
        with one.page.expect_download() as started:
            one.page.get_by_role("button", name=label).click()
        with open(started.value.path(), "rb") as file:  # noqa: PTH123  # playwright's own temporary path
            content = file.read()
        assert content.startswith(start)
        assert b"sst2/bilstm/apln" in content
