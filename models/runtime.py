"""How the process is set up: threads, slow imports in the background, quiet garbage collection.

Importing this module fixes the number of OpenMP threads, so it comes before anything that
imports torch. With OpenMP's defaults one forward takes 8 ms or 540 ms at random.
"""

from __future__ import annotations

import gc
import os
import platform
import threading
import time
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

# What the first analysis needs beside torch itself; captum alone takes half a second.
HEAVY: Final = ("models.analysis", "models.experiments.ladder", "models.norms", "models.zoo.store", "captum.attr")
SOFTWARE: Final = ("torch", "captum", "numpy", "scipy", "streamlit")
# The server sends what is already drawn, and the scripts to draw it, before imports take hold of the interpreter.
HEAD_START: Final = 0.3
CALM: Final = 3.0


@cache
def software() -> dict[str, str]:
    """Versions that stand on every download: a number is worth little without them."""
    return {"python": platform.python_version()} | {name: version(name) for name in SOFTWARE}


def prepare() -> None:
    """Give torch one thread; call it before the first tensor."""
    import torch

    torch.set_num_threads(1)


def warm(*names: str, after: threading.Thread | None = None) -> threading.Thread:
    """Import modules in a background thread; the later of two also freezes what came with them.

    Failures are left to whoever imports the module for use, where they can be told.

    Args:
        names: modules to import, in this order.
        after: another warming thread to wait for; the first one gives the server a head start.
    """

    def work() -> None:
        if after is None:
            time.sleep(HEAD_START)
            prepare()
        else:
            after.join()
        for name in names:
            try:
                import_module(name)
            except ImportError:
                continue
        if after is not None:
            settle()

    thread = threading.Thread(target=work, name="poolscope-warm", daemon=True)
    thread.start()
    return thread


def settle() -> None:
    """Collect once, then put everything alive out of the collector's sight.

    Streamlit collects after every rerun; with torch's objects in sight that takes 0.2 s each time.
    """
    gc.collect()
    gc.freeze()


class Settler:
    """Calls :func:`settle` a few seconds after the last of several loads, in the background."""

    def __init__(self, calm: float = CALM) -> None:
        """Wait ``calm`` seconds of silence."""
        self._calm = calm
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def soon(self) -> None:
        """Something large was loaded."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._calm, settle)
            self._timer.daemon = True
            self._timer.start()
