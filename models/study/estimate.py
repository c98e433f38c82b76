"""How long the study takes, from the runs it has already made."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import mean

from models.study.design import ENCODERS, TASKS, planned
from models.study.log import read
from models.study.read import key_of


def estimate(folder: Path) -> str:
    """Return cells, runs, and the hours that are left, as text for a terminal.

    A run without a time of its own takes the mean of the same (task, encoder), else of the encoder,
    else of all; scoring and reading the data are not in it. Wall hours hold for one process on a
    machine as busy as it was.
    """
    runs = read(folder)
    there = {(key_of(run), run.seed) for run in runs}
    wall: dict[tuple[str, ...], list[float]] = {}
    cpu: dict[tuple[str, ...], list[float]] = {}
    for run in runs:
        for name in ((run.task, run.encoder), (run.encoder,), ()):
            if run.seconds_per_epoch is not None and run.cpu_seconds_per_epoch is not None:
                wall.setdefault(name, []).append(run.seconds_per_epoch * len(run.dev_curve))
                cpu.setdefault(name, []).append(run.cpu_seconds_per_epoch * len(run.dev_curve))
    pairs = list(planned())
    left = [pair for pair in pairs if pair not in there]
    done, waiting = (Counter((key.task, key.encoder) for key, _ in some) for some in (there, left))
    lines = [
        f"{len({key for key, _ in pairs}):,} cells, {len(pairs):,} runs planned, {len(pairs) - len(left):,} done, "
        f"{sum(run.failed is not None for run in runs):,} of them failed",
        f"{'task':<20} " + "".join(f"{encoder:>14}" for encoder in ENCODERS) + "   done + waiting",
    ]
    for task in TASKS:
        counts = (f"{done[task.task, encoder]} + {waiting[task.task, encoder]}" for encoder in ENCODERS)
        lines.append(f"{task.task:<20} " + "".join(f"{count:>14}" for count in counts))
    if not wall:
        return "\n".join([*lines, "no run is done yet, so nothing can be said about hours"])
    hours = [
        sum(_usual(times, task, encoder) * n for (task, encoder), n in waiting.items()) / 3600 for times in (wall, cpu)
    ]
    return "\n".join([*lines, f"left: about {hours[0]:.1f} hours ({hours[1]:.1f} CPU hours)"])


def _usual(times: dict[tuple[str, ...], list[float]], task: str, encoder: str) -> float:
    return mean(times.get((task, encoder)) or times.get((encoder,)) or times[()])
