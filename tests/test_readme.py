"""The README is tested: its tables, its Python, its commands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from models.__main__ import parser
from models.tables import TABLES, fill

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_tables_are_those_of_the_registries():
    assert fill(README) == README, "run: python -m models tables --write README.md"


def test_every_table_stands_in_the_readme():
    assert set(re.findall(r"<!-- table: (\w+) -->", README)) == set(TABLES)


def test_python_example_runs_as_printed():
    example = next(block for block in blocks("python") if "analyse(" in block)
    done = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[0] in {"negative", "positive"}
    shares = [float(line.split()[-1]) for line in lines[1:]]
    assert len(shares) == 12
    assert sum(float(line.split()[-2]) for line in lines[1:]) == pytest.approx(1, abs=0.01)


def test_pooler_example_keeps_the_promises_of_a_pooler():
    import torch

    from models.masking import masked_mean, zero_padding
    from models.poolers.base import Pooler

    example = next(block for block in blocks("python") if "class " in block)
    scope = {"Pooler": Pooler, "masked_mean": masked_mean, "zero_padding": zero_padding}
    exec(example, scope)  # noqa: S102  # the README's own code
    pooler = scope["PowerOfTwoPooler"](3)
    hidden, mask = torch.randn(2, 4, 3), torch.tensor([[True] * 4, [True, True, False, False]])
    pooled = pooler(hidden, mask)
    assert torch.allclose(pooled[1], hidden[1, :2].square().mean(0).sqrt())
    assert torch.allclose(pooler.contributions(hidden, mask).sum(1), pooled, atol=1e-6)


def test_commands_of_the_readme_are_accepted():
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("python -m models")]
    assert len(lines) >= 5
    for line in lines:
        parser().parse_args(shlex.split(line)[3:])


def test_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)", README)) - {"it"}
    assert {"run", "test", "bench", "train"} <= named
    assert named <= targets


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", README))
def test_files_the_readme_points_to_exist(path):
    assert (ROOT / path).exists()


def test_what_the_study_found_is_what_its_page_says():
    found = next(line[2:] for line in README.splitlines() if line.startswith("> Of "))
    assert (ROOT / "STUDY.md").read_text(encoding="utf-8").splitlines()[2].startswith(found.removesuffix("."))
