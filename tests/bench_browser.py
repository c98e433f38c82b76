"""What a visitor waits for, in a real browser: the second half of ``make bench``.

Run as a script, not collected by pytest: it starts the app several times on the shipped
classifiers, and writes a section of BENCHMARKS.md. Without a Chromium it says so and writes nothing.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from test_browser import FLAGS, Visit, free_port, streamlit_command  # noqa: E402

from models.bench.common import write_section  # noqa: E402

STARTS = 5
ROUNDS = 7
READERS = "bilstm/mean,bilstm/max,bilstm/attention,bilstm/scaled_dot,bilstm/learned_norm,bilstm/apln"
METHODS = "attention,exact_share,saliency,input_gradient,integrated_gradients,leave_one_out"
# The wait is taken inside the page: a driver's own checks before it clicks are nobody's wait.
CLICK = """(word, answer) => new Promise((done) => {
    const started = performance.now();
    const look = () => document.body.innerText.includes(answer)
        ? done(performance.now() - started) : requestAnimationFrame(look);
    word.click();
    look();
})"""
SENTENCES = [
    f"The {noun} is slow and a little too long, but the two leads are so {word} that it hardly matters in the end."
    for noun, word in (("film", "funny"), ("story", "warm"), ("plot", "good"), ("comedy", "tender"), ("drama", "sharp"),
                       ("script", "fresh"), ("sequel", "bold"))
]  # fmt: skip


def timed(act: Callable[[], None]) -> float:
    """Return the seconds that ``act`` takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def start(browser, port):  # noqa: ANN001, ANN201  # Playwright's own types stay out of a script
    """Start the app and open it; return process, visit, seconds to the title and to the panels."""
    started = time.perf_counter()
    process = subprocess.Popen(
        streamlit_command(port), cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    visit = Visit(browser.new_context(viewport={"width": 1440, "height": 1100}).new_page())
    while True:
        try:
            urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
            break
        except OSError:
            time.sleep(0.02)
    visit.page.goto(f"http://127.0.0.1:{port}/?readers={READERS}&methods={METHODS}", wait_until="commit")
    visit.page.locator("h1").wait_for()
    title = time.perf_counter() - started
    visit.words.first.wait_for()
    return process, visit, title, time.perf_counter() - started


def measure(chromium: str) -> dict[str, list[float]]:
    """Return the seconds of every repetition."""
    from playwright.sync_api import sync_playwright

    seconds: dict[str, list[float]] = {"title": [], "panels": [], "sentence": [], "click": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for _ in range(STARTS):
            process, visit, title, panels = start(browser, free_port())
            seconds["title"].append(title)
            seconds["panels"].append(panels)
            if len(seconds["title"]) == STARTS:
                _use(visit, seconds)
            visit.page.context.close()
            process.terminate()
            process.wait()
        browser.close()
    # The first start reads the disk; the claim is about a warm one.
    return {name: values[1:] for name, values in seconds.items()}


def _use(visit: Visit, seconds: dict[str, list[float]]) -> None:
    visit.settle()
    time.sleep(2)  # imports that run in the background after the first reading
    for sentence in SENTENCES[:ROUNDS]:
        def read(text: str = sentence) -> None:
            visit.read(text)
            visit.words.get_by_text(text.split()[1], exact=True).wait_for()
        seconds["sentence"].append(timed(read))
        visit.settle()
        time.sleep(1)
    for place in range(1, ROUNDS + 1):
        word = visit.words.nth(place)
        seconds["click"].append(word.evaluate(CLICK, f"chosen: “{word.inner_text()}”") / 1000)
        visit.settle()
        time.sleep(0.5)


def report(seconds: dict[str, list[float]]) -> str:
    """Return the section: median and range of each wait."""
    said = {
        "title": "`streamlit run` until the page's title stands in the browser",
        "panels": "`streamlit run` until the example is read by 6 readers × 6 methods",
        "sentence": "a new sentence of 24 tokens, 6 readers × 6 methods, until its panels stand",
        "click": "a click on a word until Python has answered (the mark itself is drawn at once)",
    }
    lines = [
        "## What a visitor waits for",
        "",
        f"Headless Chromium on the same machine, warm disk, {STARTS - 1} starts and {ROUNDS - 1} repetitions, each "
        "after one that is not counted.",
        "",
        "| wait | median | range |",
        "| --- | --- | --- |",
    ]
    for name, values in seconds.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        lines.append(f"| {said[name]} | {middle:.2f} s | {low:.2f}–{high:.2f} s |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("!!!!!!!! NO CHROMIUM ON THE PATH: what a visitor waits for was not measured !!!!!!!!")
        return
    text = report(measure(chromium))
    print(text)
    write_section(ROOT / "BENCHMARKS.md", "browser", text)


if __name__ == "__main__":
    main()
