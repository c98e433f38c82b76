"""Permutation: the same weights, dealt to other words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.attribution.base import floats, seed_field
from models.classifier import PoolingClassifier
from models.experiment_records import Permutation
from models.experiments.base import Experiment, NotHereError
from models.experiments.frozen import Frozen, tvd

SHUFFLES: Final = 100
SECTIONS: Final = 4


@dataclass(frozen=True, slots=True)
class PermutationParams:
    """The seed of the shuffles."""

    seed: int = seed_field()


class PermutedAttention(Experiment):
    """Median TVD of the output over 100 permutations of the weights over the words, token states frozen.

    Of a pooler with several maps all are permuted alike. One without attention whose vector is r_d = Σ_i w_id h_id
    (max, last, first) has its shares w permuted in its place, all dimensions alike; where the
    shares divide the finished vector instead (norm poolers), or are all equal (mean), a shuffle changes nothing.
    """

    name = "permutation"
    title = "Permutation"
    question = "Does it matter which word gets which weight?"
    claim = (
        "If the answer came from the words that attention points at, dealing the same weights to other words should "
        "change it, say Jain & Wallace."
    )
    protocol = (
        "The token states stay as they are; the weights are dealt to the words anew, 100 times by chance. Each time "
        "the total variation distance to the reader's own output is taken, and of the hundred the median."
    )
    source = "Jain & Wallace, NAACL 2019"
    ends = (
        "A median near 0: the answer hardly cares which word gets which weight. Near 1: it turns round with them."
    )
    shows = (
        "A small median, above all beside a large weight, shows that the answer hardly depends on who is weighed how."
    )
    shows_not = (
        "It does not show that the weights do nothing in training or for the states, and says little where they were "
        "nearly equal to begin with: then a shuffle changes nothing for that reason alone."
    )
    Params = PermutationParams

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Shares can be shuffled only where they weigh states, and differ."""
        pooler = classifier.pooler
        if pooler.attends:
            return None
        if pooler.name == "mean":
            return "Mean pooling weighs all words alike: a shuffle of equal weights changes nothing, whatever the text."
        if pooler.divides != "states" or not pooler.homogeneous:
            return (
                f"{pooler.title} pooling has no weights on the states: its shares divide the finished vector, "
                "so dealing them to other words leaves it as it is."
            )
        return None

    def run(self, frozen: Frozen) -> Permutation:
        """Shuffle, pool all at once, compare."""
        if len(frozen.places) < 2:
            raise NotHereError("One word has nobody to change weights with; type at least two.")
        weights = frozen.own if frozen.own is not None else _shares(frozen)
        orders = shuffles(frozen, self.params.seed)
        dealt = weights.expand(SHUFFLES, *weights.shape).clone()
        dealt[:, frozen.places] = weights[frozen.places[orders]]
        logits = frozen.under(dealt) if frozen.own is not None else _from_shares(frozen, dealt)
        changes = tvd(logits.softmax(-1), frozen.probabilities)
        largest = float(frozen.shown.max())
        return Permutation(
            weights=floats(frozen.shown),
            changes=floats(changes),
            median=float(np.median(changes.numpy())),
            flips=float((logits.argmax(-1) != frozen.label).double().mean()),
            largest=largest,
            section=min(SECTIONS - 1, int(largest * SECTIONS)),
            shared=frozen.own is None,
        )


def shuffles(frozen: Frozen, seed: int) -> Tensor:
    """Return 100 random orders (100, P) of the places of words."""
    return torch.from_numpy(permutations(frozen.reading.ids[0].tolist(), seed, len(frozen.places)))


def permutations(ids: Sequence[int], seed: int, places: int | None = None) -> npt.NDArray[np.int64]:
    """Return 100 random orders (100, P) of ``places`` (default: one per id), drawn from text and seed alone."""
    random = np.random.default_rng([seed, *ids])
    return random.permuted(np.tile(np.arange(places or len(ids)), (SHUFFLES, 1)), axis=1)


def _shares(frozen: Frozen) -> Tensor:
    """The shares w (T, D) with r_d = Σ_i w_id h_id."""
    return frozen.reading.shares.double()


def _from_shares(frozen: Frozen, shares: Tensor) -> Tensor:
    """Logits (K, C) of Σ_i w_id h_id for shares (K, T, D), one at a time to stay small."""
    head, states = frozen.classifier.head, frozen.reading.hidden[0].double()
    pooled = torch.stack([(one * states).sum(0) for one in shares])
    return pooled @ head.weight.detach().double().T + head.bias.detach().double()
