"""The dependency rule, read from the imports of every file, those inside functions included."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCREEN = {"streamlit", "plotly", "altair", "viz", "pages", "app"}
# What turns tensors into numbers; a page asks models for plain records instead.
TENSORS = {"torch", "transformers", "captum"}
OURS = ("models", "viz", "pages")
# Plain records: what a figure may know of models.
RECORDS = ("models.records", "models.experiment_records", "models.norm_records", "models.study_records")


def imported(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Every module that ``source`` (in ``package``) imports anywhere, with its line.

    ``from models import records`` counts as ``models.records``; relative imports are resolved;
    ``import_module("x")`` and ``__import__("x")`` with a literal name count too.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            parent = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*parent, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def broken(path: str, module: str) -> str | None:
    """Why a file at ``path`` (relative to the root) may not import ``module``, or ``None``."""
    top = module.partition(".")[0]
    if path == "models/records.py":
        return None if top in sys.stdlib_module_names else "models.records knows the standard library only"
    if path.removesuffix(".py").replace("/", ".") in RECORDS:
        plain = top in sys.stdlib_module_names or f"{module}.".startswith("models.records.")
        return None if plain else "a file of records knows the standard library and models.records only"
    if path.startswith("models/"):
        return "models never knows the screen" if top in SCREEN else None
    if path.startswith("viz/"):
        if top in TENSORS | {"streamlit", "pages", "app"}:
            return "viz never knows tensors or streamlit"
        if top == "models" and not f"{module}.".startswith(tuple(f"{name}." for name in RECORDS)):
            return f"viz may import {' and '.join(RECORDS)} only"
    if (path.startswith("pages/") or path == "app.py") and top in TENSORS | {"numpy", "scipy", "sklearn"}:
        return "a page does no maths"
    return None


def python_files() -> list[Path]:
    """All files under the rule, as they stand in the checkout."""
    return [*(file for folder in OURS for file in sorted((ROOT / folder).rglob("*.py"))), ROOT / "app.py"]


def test_every_import_respects_the_layers():
    files = [file for file in python_files() if file.exists()]
    assert len(files) > 5
    wrong = []
    for file in files:
        path = file.relative_to(ROOT).as_posix()
        package = path.removesuffix(".py").rpartition("/")[0].replace("/", ".")
        for line, module in imported(file.read_text(encoding="utf-8"), package):
            reason = broken(path, module)
            if reason:
                wrong.append(f"{path}:{line} imports {module}: {reason}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("models/records.py", "import numpy"),
        ("models/records.py", "from models import errors"),
        ("models/experiment_records.py", "import numpy"),
        ("models/norm_records.py", "from torch import Tensor"),
        ("models/study_records.py", "from models.study.log import read"),
        ("models/experiment_records.py", "from models.experiments import EXPERIMENTS"),
        ("viz/heatmap.py", "from models.experiments.base import Experiment"),
        ("models/zoo/loader.py", "def f():\n    import streamlit as st"),
        ("models/zoo/loader.py", "from viz import palette"),
        ("models/data/hub.py", "import importlib\nimportlib.import_module('plotly.express')"),
        ("viz/heatmap.py", "from models.registry import discover"),
        ("viz/heatmap.py", "from models import classifier"),
        ("viz/heatmap.py", "import models"),
        ("viz/heatmap.py", "def f():\n    from torch import nn"),
        ("viz/heatmap.py", "__import__('streamlit')"),
        ("pages/norms.py", "import torch.nn.functional as F"),
        ("pages/norms.py", "import numpy as np"),
        ("app.py", "if True:\n    import captum"),
    ],
)
def test_the_rule_sees_each_kind_of_breach(path, source):
    package = path.removesuffix(".py").rpartition("/")[0].replace("/", ".")
    assert any(broken(path, module) for _, module in imported(source, package))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("models/records.py", "from __future__ import annotations\nimport math"),
        ("models/zoo/loader.py", "import torch\nfrom models.records import ModelSpec"),
        ("viz/heatmap.py", "import altair, html\nfrom models.records import Token\nfrom viz import palette"),
        ("viz/heatmap.py", "from . import palette"),
        ("viz/heatmap.py", "from models.experiment_records import Trial"),
        ("viz/heatmap.py", "from models.norm_records import Identity"),
        ("models/experiment_records.py", "from models.records import Token"),
        ("pages/norms.py", "import streamlit as st\nfrom models.analysis import analyse\nimport viz.dial"),
    ],
)
def test_the_rule_allows_what_it_should(path, source):
    package = path.removesuffix(".py").rpartition("/")[0].replace("/", ".")
    assert [broken(path, module) for _, module in imported(source, package) if broken(path, module)] == []


def test_relative_imports_are_resolved():
    assert list(imported("from ..records import Token", "models.data")) == [(1, "models.records.Token")]
    assert list(imported("from . import text", "models")) == [(1, "models.text")]


@pytest.mark.parametrize("package", ["models", "viz"])
def test_the_top_packages_hold_a_docstring_only(package):
    body = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)
    assert isinstance(body[0].value, ast.Constant)


def test_viz_and_the_records_do_not_load_torch_or_streamlit():
    names = [f"viz.{file.stem}" for file in sorted((ROOT / "viz").glob("*.py")) if file.stem != "__init__"]
    code = (
        "import importlib, sys\n"
        f"for name in {[*RECORDS, 'viz', *names]!r}: importlib.import_module(name)\n"
        "print(sorted({'torch', 'streamlit', 'transformers', 'captum'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


# A home, work, temporary or installation folder of one machine; spelt in parts so that this file passes.
FOLDERS = "|".join(["home", "work", "root", "opt", "Users", "farm"])
MACHINE = re.compile(rf"(?<![\w.:/$~{{}}*-])/(?:{FOLDERS})/\w")
TEXT = {".py", ".toml", ".txt", ".md", ".json", ".cfg", ".yml", ".yaml", ".html", ".css", ".js", ".svg", ""}


def tracked_files() -> list[Path]:
    """The files that belong to the project: those git knows, or all of them outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = [name for name in listed.stdout.split("\0") if name]
    return [ROOT / name for name in names] or [f for f in ROOT.rglob("*") if ".venv" not in f.parts]


def test_no_file_mentions_a_path_of_one_machine():
    wrong = []
    files = [file for file in tracked_files() if file.is_file() and file.suffix in TEXT]
    assert len(files) > 10
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if MACHINE.search(line):
                wrong.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("part", ["work", "home", "opt"])
def test_a_machine_path_would_be_seen(part):
    assert MACHINE.search(f'DATA = "/{part}/shared/data"')
    assert MACHINE.search(f"see /{part}/shared/data")
    assert not MACHINE.search(f"https://example.org/{part}/shared")
    assert not MACHINE.search(f"models/{part}/shared")
