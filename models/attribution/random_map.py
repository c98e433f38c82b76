"""The floor of a map made by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.attribution.base import AttributionMethod, Scores, seed_field
from models.attribution.reading import Reading
from models.attribution.target import Target


@dataclass(frozen=True, slots=True)
class RandomMapParams:
    """The seed of the draw."""

    seed: int = seed_field()


class RandomMap(AttributionMethod):
    """Scores drawn uniformly from all that attention could be: non-negative with sum 1 over the words.

    Drawn anew for every text and seed, from nothing but those. A method whose agreement or
    faithfulness is not above that of several seeds has shown nothing.
    """

    name = "random_map"
    title = "Random map"
    family = "floor"
    question = "How far does pure chance get?"
    formula = r"u \sim \mathrm{Dirichlet}(1, \ldots, 1)"
    baseline = "none"
    cost = "nothing"
    source = "random importance as control: Serrano & Smith, ACL 2019; Hooker et al., NeurIPS 2019"
    signed = False
    complete = False
    on_demand = True
    blind = True
    Params = RandomMapParams

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the draw at the first piece of every word (T,), the same for every target."""
        ids = reading.ids[0].tolist()
        drawn = np.random.default_rng([self.params.seed, *ids]).dirichlet(np.ones(len(reading.units)))
        return Scores(reading.placed(drawn))
