"""The study's journal: one file of JSON lines per shard, appended to as runs end, read back as a set."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from models.errors import PoolScopeError
from models.study.table import from_row, to_line
from models.study_records import StudyRun


@dataclass(frozen=True, slots=True)
class Shard:
    """Part ``index`` of ``count``; a (task, seed) lies in one part as a whole."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``"1/2"``.

        Raises:
            PoolScopeError: not two whole numbers, or the part is none of the parts.
        """
        match = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
        if not match or int(match[1]) > int(match[2]):
            raise PoolScopeError(f"the shard came as {text!r}; expected PART/PARTS, such as 1/2")
        return cls(int(match[1]), int(match[2]))

    def holds(self, place: int) -> bool:
        """Say whether the group at ``place`` in the plan is this shard's."""
        return place % self.count == self.index - 1

    @property
    def file(self) -> str:
        """Name of the shard's journal."""
        return f"runs-{self.index}-of-{self.count}.jsonl"


def append(path: Path, run: StudyRun) -> None:
    """Add one run in one write; a line that a killed process left torn is closed first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + to_line(run) + "\n")


def read(folder: Path) -> tuple[StudyRun, ...]:
    """Return the runs of every journal in ``folder``, each once (the first by file and line).

    A torn line is passed over: its run is simply not done.
    """
    runs: dict[str, StudyRun] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            run = from_row(row)
            runs.setdefault(run.recipe_key, run)
    return tuple(runs.values())


def one_basis(runs: Iterable[StudyRun]) -> tuple[tuple[StudyRun, ...], tuple[str, ...]]:
    """Keep, per task and encoder, the runs on one word table; say what was left out.

    A table that was rebuilt in mid-study would otherwise set runs on two tables side by side. The
    table with most runs stays, on a tie the first by digest.
    """
    runs = tuple(runs)
    counts = Counter((run.task, run.encoder, run.table_sha) for run in runs)
    kept = {
        (task, encoder): max(
            (sha for t, e, sha in sorted(counts) if (t, e) == (task, encoder)),
            key=lambda sha: counts[task, encoder, sha],
        )
        for task, encoder, _ in counts
    }
    left = Counter((run.task, run.encoder) for run in runs if kept[run.task, run.encoder] != run.table_sha)
    said = tuple(f"{task}/{encoder}: {n} runs on another word table left out" for (task, encoder), n in left.items())
    return tuple(run for run in runs if kept[run.task, run.encoder] == run.table_sha), said
