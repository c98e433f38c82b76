"""What every test shares: one torch thread, no network beyond this machine, a browser or a loud word."""

from __future__ import annotations

import os

# Before anything imports torch: with the OpenMP defaults a forward takes 8 ms or 540 ms at random.
os.environ["OMP_NUM_THREADS"] = "1"

import ipaddress
import shutil
import socket
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine (no OSError, so that no library swallows it and retries)."""


def is_local(host: object) -> bool:
    """Say whether ``host`` names this machine."""
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        name = host.decode() if isinstance(host, bytes) else str(host)
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guard(original, host_of):
    def guarded(*args, **kwargs):
        host = host_of(*args)
        if not is_local(host):
            raise NetworkBlockedError(f"a test tried to reach {host!r}; tests use this machine only")
        return original(*args, **kwargs)

    return guarded


def _host_of_address(_socket, *args):
    # The address is the last argument of connect, connect_ex and sendto; a str or bytes one is a UNIX path.
    return args[-1][0] if isinstance(args[-1], tuple) else None


def _block_network() -> None:
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _guard(getattr(socket.socket, name), _host_of_address))
    socket.getaddrinfo = _guard(socket.getaddrinfo, lambda host, *_: host)
    socket.gethostbyname = _guard(socket.gethostbyname, lambda host, *_: host)


# At import, not in a fixture: collection is covered too. Subprocesses are not; browser tests watch their own.
_block_network()


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real datasets; the test is skipped where ``POOLSCOPE_DATA`` is not set."""
    named = os.environ.get("POOLSCOPE_DATA")
    if not named:
        pytest.skip("POOLSCOPE_DATA is not set: tests on real datasets did not run")
    return Path(named)


@pytest.fixture(scope="session")
def vectors_folder() -> Path:
    """The folder of real word vectors; the test is skipped where ``POOLSCOPE_VECTORS`` is not set."""
    named = os.environ.get("POOLSCOPE_VECTORS")
    if not named:
        pytest.skip("POOLSCOPE_VECTORS is not set: tests on real word vectors did not run")
    return Path(named)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Rows that any ledger sends through a classifier from now on."""
    # Not every test needs torch.
    from models.attribution.perturbed import PerturbedTexts

    seen: list[tuple[int, ...]] = []
    logits = PerturbedTexts.logits

    def watched(self, rows):
        seen.extend(map(tuple, rows))
        return logits(self, rows)

    monkeypatch.setattr(PerturbedTexts, "logits", watched)
    return seen


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; without one the test is skipped, or fails where a browser is required."""
    named = os.environ.get("POOLSCOPE_CHROMIUM")
    for candidate in [named] if named else ["chromium", "chromium-browser", "google-chrome"]:
        path = shutil.which(candidate)
        if path:
            return path
    message = "no Chromium found: browser tests did not run (install chromium or set POOLSCOPE_CHROMIUM)"
    if os.environ.get("POOLSCOPE_REQUIRE_BROWSER"):
        pytest.fail(message)
    return pytest.skip(message)


def pytest_terminal_summary(terminalreporter) -> None:
    """Say in capitals what was left out; a skipped letter in a long line is overlooked."""
    reasons = {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])}
    for word, banner in (
        ("Chromium", "BROWSER TESTS WERE SKIPPED: no Chromium on this machine"),
        ("POOLSCOPE_DATA", "TESTS ON REAL DATASETS WERE SKIPPED: POOLSCOPE_DATA is not set"),
        ("POOLSCOPE_VECTORS", "TESTS ON REAL WORD VECTORS WERE SKIPPED: POOLSCOPE_VECTORS is not set"),
    ):
        if any(word in reason for reason in reasons):
            terminalreporter.write_sep("!", banner, yellow=True, bold=True)
