"""The study with its poolers under the names that people know them by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from models.study_records import StudyCell, StudyRanking, StudySummary


def named(said: StudySummary, titles: Mapping[str, str]) -> StudySummary:
    """The same summary, every variant of ``titles`` called by its title; the others keep their name."""

    def title(variant: str) -> str:
        return titles.get(variant, variant)

    def cell(found: StudyCell) -> StudyCell:
        return replace(found, key=replace(found.key, variant=title(found.key.variant)))

    def ranking(found: StudyRanking) -> StudyRanking:
        tests = tuple(replace(test, left=title(test.left), right=title(test.right)) for test in found.tests)
        cliques = tuple(tuple(map(title, clique)) for clique in found.cliques)
        variants = tuple(map(title, found.variants))
        return replace(found, variants=variants, cliques=cliques, tests=tests, against=title(found.against))

    return replace(
        said,
        cells=tuple(map(cell, said.cells)),
        differences=tuple(
            replace(found, variant=title(found.variant), against=title(found.against)) for found in said.differences
        ),
        rankings=tuple(map(ranking, said.rankings)),
    )
