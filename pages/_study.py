"""The study of APLN: does it beat attention, where, by how much, and how certain is that?"""

from __future__ import annotations

import streamlit as st

from models.study.design import HEADLINE
from models.study_records import PairedDifference, StudySummary
from pages import _cache, _facts, _methods, _parts, _widgets, _words
from pages._examples import task
from viz import forest, norm_grid, rank_plot, study_names, study_tables
from viz.rowtable import row_table

MISSING = "The study was not run here yet: `python -m models study` trains its classifiers and keeps every run."


def study() -> None:
    """Headline, differences, ranks, all cells, ablation, cost; a sentence where there are no runs."""
    found = _cache.study()
    if isinstance(found, _cache.Refusal):
        _parts.guard(False, found.sentence)
    if found is None or isinstance(found, _cache.Refusal):
        st.info(MISSING)
        return
    runs, said = found
    titles = _methods.variants({cell.key.variant for cell in said.cells})
    said = study_names.named(said, titles)
    tasks = {cell.key.task: task(cell.key.task).data for cell in said.cells}
    encoders = _widgets.encoder_titles()
    first, _, rest = said.headline.partition(". ")
    st.markdown(f"**{_parts.plain(first)}.** {_parts.plain(rest)}")
    if said.missing:
        st.caption(f"{len(said.missing):,} planned runs are not in this file; every run that is in it is shown.")
    differences(said, titles.get(HEADLINE, HEADLINE), tasks, encoders)
    ranks(said)
    st.subheader("All cells", anchor=False)
    st.html(study_tables.results(said.cells, tasks, encoders))
    _parts.how_to_read("The underlined number is the best of its row; look at the deviations first.", _words.SCORES)
    exponents = study_tables.study_norms(said.cells, tasks, encoders)
    if exponents:
        st.subheader("Which norms were learned", anchor=False)
        st.html(norm_grid.norm_grid(exponents, "dataset · encoder"))
        _parts.how_to_read(
            "Orange is above an average's 1, blue below; the small line spans seeds and dimensions.", _words.NORM
        )
    ablated = study_tables.ablation_tasks(said.cells)
    if ablated:
        st.subheader("What APLN owes to its parts", anchor=False)
        for column, name in zip(st.columns(len(ablated)), ablated, strict=True):
            with column:
                st.markdown(f"**{tasks[name]}**")
                st.html(study_tables.ablation(said.cells, runs.runs, name))
        _parts.how_to_read("One thing changes from cell to cell: how states are limited, how the power is computed, "
                           "and whether every dimension has a p of its own.", _words.NORM)  # fmt: skip
    st.subheader("What it costs", anchor=False)
    costs = study_tables.cost_rows([cell for cell in said.cells if cell.key.group == "main"])
    st.html(row_table(costs, list(costs[0])))
    _parts.how_to_read("Means over all cells of a pooler; the ratio compares cells that differ in the pooler alone.",
                       _words.OVERFLOW)  # fmt: skip
    _parts.download("study", (
        _parts.File("csv", "Every run, CSV", "text/csv", lambda: _facts.rows_csv(_facts.records(runs.runs), {})),
        _parts.File("json", "The summary, JSON", "application/json",
                    lambda: _facts.rows_json(_facts.records([said]), {})),
    ))  # fmt: skip


def differences(said: StudySummary, claim: str, tasks: dict[str, str], encoders: dict[str, str]) -> None:
    """The forest plot, one sentence per dataset."""
    st.subheader("Does it beat attention?", anchor=False)
    variant = _widgets.pick_variant(said, claim)
    shown: list[PairedDifference] = [found for found in said.differences if found.variant == variant]
    sentences = dict(said.sentences) if variant == claim else {}
    st.html(forest.forest(shown, sentences, tasks, encoders))
    _parts.how_to_read(
        "Right of the middle line it beats attention. The diamond is the mean over encoders. Lines are 95 % intervals "
        "over seeds, thick by bootstrap, thin by Student's t: if one crosses the middle line, the question stays "
        "open.", _words.PAIRED,
    )  # fmt: skip


def ranks(said: StudySummary) -> None:
    """Mean ranks over datasets."""
    if not said.rankings:
        return
    st.subheader("Who is better usually?", anchor=False)
    ranking = _widgets.pick_ranking(said)
    st.html(rank_plot.rank_plot(ranking))
    st.markdown(rank_plot.rank_words(ranking))
    _parts.how_to_read("Left is better; poolers over one thick line are too close to tell apart.", _words.RANKS)
