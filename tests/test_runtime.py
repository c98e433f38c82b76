"""Threads, warm imports and quiet garbage collection."""

from __future__ import annotations

import gc
import subprocess
import sys
import time

from models import runtime


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_it_fixes_the_threads_and_loads_nothing_heavy(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    code = "from models import runtime; import os, sys; print(os.environ['OMP_NUM_THREADS'], 'torch' in sys.modules)"
    assert run(code) == "1 False"
    assert run("from models import runtime; runtime.prepare(); import torch; print(torch.get_num_threads())") == "1"


def test_a_set_number_of_threads_is_respected(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert run("from models import runtime; import os; print(os.environ['OMP_NUM_THREADS'])") == "3"


def test_warming_imports_in_order_and_goes_on_after_what_is_missing():
    code = """
import sys
from models import runtime
first = runtime.warm("wave")
second = runtime.warm("no_such_module", "chunk", "colorsys", after=first)
second.join()
print(first.is_alive(), "wave" in sys.modules, "colorsys" in sys.modules)
"""
    assert run(code) == "False True True"


def test_settling_takes_what_is_alive_out_of_the_collectors_sight():
    gc.unfreeze()
    kept = [[] for _ in range(1000)]
    before = len(gc.get_objects())
    try:
        runtime.settle()
        assert gc.get_freeze_count() > 1000
        assert len(gc.get_objects()) < before / 2
    finally:
        gc.unfreeze()
    assert len(kept) == 1000


def test_several_loads_settle_once(monkeypatch):
    settled = []
    monkeypatch.setattr(runtime, "settle", lambda: settled.append(time.monotonic()))
    settler = runtime.Settler(calm=0.2)
    for _ in range(5):
        settler.soon()
    time.sleep(0.8)
    assert len(settled) == 1


def test_versions_name_what_numbers_depend_on():
    assert {"python", "torch", "captum", "numpy", "scipy"} <= set(runtime.software())
    assert all(runtime.software().values())
