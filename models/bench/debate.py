"""The exact adversary beside the published search, and the whole suite over a test set where there is one."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from models.bench.common import SENTENCES, TASK, Timing, table, where
from models.classifier import pad_batch
from models.debate.alone import Item, Options
from models.debate.plain_search import plain_search
from models.debate.suite import batches, suite
from models.errors import PoolScopeError
from models.experiments.vertices import furthest, slab
from models.zoo.store import load_classifier

READER = f"{TASK}/bilstm/attention"
EPSILON = 0.01
BATCH = 32


def report(runs: int) -> str:
    """Return the section in Markdown; the data set's row only where ``POOLSCOPE_DATA`` holds it."""
    texts = _texts()
    own, values, bias, mask = _states(texts[: BATCH * 2] if len(texts) > len(SENTENCES) else texts)
    rows: list[list[str]] = []
    plain: list[Tensor] = []
    ours: list[Tensor] = []
    # The first call pays for what is loaded once.
    _exact(own[:1], values[:1], bias, mask[:1])
    for title, size in ((f"batches of {BATCH}", BATCH), ("one text at a time", 1)):
        count = min(len(own), BATCH if size > 1 else 3)
        times = []
        for solve, found in ((_plain, plain), (_exact, ours)):
            taken = [_timed(solve, own, values, bias, mask, count, size, found) / count for _ in range(runs)]
            times.append(Timing(tuple(taken)))
        searched, exact = times
        rows.append([title, _fine(searched), _fine(exact), f"{searched.median / exact.median:,.0f}×"])
    least = min(float((b - a).min()) for a, b in zip(plain, ours, strict=True))
    lines = [
        "## The debate over a test set", "",
        f"Adversarial attention of `{READER}` at ε = {EPSILON}: the published search (5 starts × 500 steps, restated "
        f"in `models/debate/plain_search.py`) and the exact solution, per text. {where(runs)} The exact JSD minus the "
        f"searched one is {least:+.4f} nats or more on every text.", "",
        *table(("adversary", "published search", "exact", "ratio"), rows), "",
    ]  # fmt: skip
    if len(texts) > len(SENTENCES):
        lines += [_whole(texts), ""]
    return "\n".join(lines)


def _fine(timing: Timing) -> str:
    """Median and range in milliseconds, to three digits: the exact solution takes less than one."""
    low, high = min(timing.seconds) * 1e3, max(timing.seconds) * 1e3
    return f"{timing.median * 1e3:.3g} ms ({low:.3g}–{high:.3g})"


def _texts() -> list[str]:
    """The test set, or the benchmark's sentences where no data folder is named."""
    from models.data import load

    try:
        return list(load(TASK).splits["test"].texts)
    except PoolScopeError:
        return list(SENTENCES)


@torch.no_grad()
def _states(texts: list[str]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    classifier = load_classifier(READER)
    ids, mask = pad_batch([classifier.row(text) for text in texts])
    hidden = classifier.encode(classifier.embed(ids), mask)
    own = classifier.pooler.attention(hidden, mask)
    assert own is not None
    values = classifier.pooler.values(hidden).double() @ classifier.head.weight.double().T
    return own.double(), values, classifier.head.bias.double(), mask


def _plain(own: Tensor, values: Tensor, bias: Tensor, mask: Tensor) -> Tensor:
    return plain_search(own, values, bias, EPSILON, mask)


def _exact(own: Tensor, values: Tensor, bias: Tensor, mask: Tensor) -> Tensor:
    u = values[..., 1] - values[..., 0]
    rest = bias[1] - bias[0]
    low, high = slab(((own * u).sum(1) + rest).sigmoid(), EPSILON)
    return furthest(own, u, low - rest, high - rest, mask).distance


def _timed(
    solve: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor], own: Tensor, values: Tensor, bias: Tensor, mask: Tensor,
    count: int, size: int, found: list[Tensor],
) -> float:  # fmt: skip
    started = time.perf_counter()
    for start in range(0, count, size):
        part = slice(start, min(count, start + size))
        found.append(solve(own[part], values[part], bias, mask[part]))
    return time.perf_counter() - started


def _whole(texts: list[str]) -> str:
    """One sentence on the suite over all texts."""
    classifier = load_classifier(READER)
    started, processed = time.perf_counter(), time.process_time()
    items = []
    for place, text in enumerate(texts):
        read = classifier.read(text)
        items.append(Item(place, 0, tuple(read.ids), tuple(read.owners)))
    rows = sum(len(suite(classifier, batch, Options(EPSILON))) for batch in batches(items))
    seconds, cpu = time.perf_counter() - started, time.process_time() - processed
    return (
        f"All {len(texts):,} test texts, reading included: correlation with gradient and leave-one-out, 100 "
        f"permutations, "
        f"adversary and conicity in {seconds:.1f} s ({cpu:.1f} s of CPU), {rows:,} rows."
    )
