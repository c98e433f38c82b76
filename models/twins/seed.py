"""Seed twins."""

from __future__ import annotations

from models.twins.base import Twin


class SeedTwin(Twin):
    """The base's recipe with another seed: other initial weights, order of texts and dropout, nothing else.

    Their JSD to the base is what two honest trainings differ by, the measure of every other JSD.
    """

    name = "seed"
    title = "Another seed"
    question = "How far apart are the attentions of two trainings that differ in nothing but chance?"
    formula = r"\text{seed} \ne \text{seed of the base}"
    source = "Wiegreffe & Pinter, EMNLP 2019, §3.3"
