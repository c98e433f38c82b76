"""The floor of a map that prefers no word."""

from __future__ import annotations

from models.attribution.base import AttributionMethod, Scores
from models.attribution.reading import Reading
from models.attribution.target import Target


class UniformMap(AttributionMethod):
    """The same score for every word: 1/n.

    A map that ranks nothing. What a metric says of it is what the metric says of no explanation.
    """

    name = "uniform_map"
    title = "Uniform map"
    family = "floor"
    question = "What would a measure say of a map that knows nothing?"
    formula = r"1 / n"
    baseline = "none"
    cost = "nothing"
    source = "the uniform control of Wiegreffe & Pinter, EMNLP 2019"
    signed = False
    complete = False
    on_demand = True
    blind = True

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return 1/n at the first piece of every word (T,), the same for every target."""
        words = len(reading.units)
        return Scores(reading.placed([1 / words] * words))
