"""Weights set by hand: what does the reader say then?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from models.analysis import prepare
from models.attribution.accounts import Accounts
from models.attribution.base import floats
from models.attribution.reading import Reading
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.experiment_records import MOST, Imposed
from models.experiments.base import Experiment, NotHereError, no_weights
from models.experiments.frozen import Frozen, jsd, tvd
from models.records import Request


class DialledAttention(Experiment):
    """The reader under weights set by hand, token states frozen; as an experiment, under equal weights."""

    name = "dial"
    title = "Dial the attention"
    question = "What happens to the answer when you set the weights yourself?"
    claim = (
        "Take both sides of the argument yourself: look for other weights with the same answer, and for small changes "
        "that turn it."
    )
    protocol = (
        "The token states stay as they are. The weights you set are brought to sum 1 and take the place of the "
        "reader's own; everything above them is computed anew."
    )
    source = "the counterfactual of Jain & Wallace 2019 and Wiegreffe & Pinter 2019, in your own hands"
    ends = (
        "Weights far from its own (JSD) and the output hardly changed (TVD): the answer does not hang on them. A small "
        "move and a large change: it does."
    )
    shows = "It shows what the answer owes to the weights alone, word by word."
    shows_not = "It does not show what the reader would do on another text, where states and weights change together."

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Only a single map of weights can be set."""
        return no_weights(classifier, "Where there is a norm to turn, the page Norms has its dial.")

    def run(self, frozen: Frozen) -> Imposed:
        """Give every word the same weight."""
        return dial(frozen, [1.0] * frozen.count)


def dial(frozen: Frozen, weights: Sequence[float]) -> Imposed:
    """Impose one weight per word (n,), brought to the mass that the words have together.

    A word's pieces divide its weight as they divide their own, or evenly where they had none.

    Raises:
        PoolScopeError: not one weight per word, one that is negative or not finite, or none above 0.
    """
    if len(weights) != frozen.count:
        raise PoolScopeError(f"{len(weights)} weights came for {frozen.count} words; give one for each.")
    total = sum(weights)
    if not all(math.isfinite(w) and w >= 0 for w in weights) or not 0 < total < math.inf:
        raise PoolScopeError("Weights must be finite numbers, none below 0 and not all 0; raise one of them.")
    assert frozen.own is not None
    mass = frozen.own[frozen.places].sum()
    asked = frozen.of_words(torch.tensor(weights, dtype=torch.float64) / total * mass)
    logits = frozen.under(asked.unsqueeze(0))[0]
    return Imposed(
        own=floats(frozen.shown),
        weights=floats(frozen.by_word(asked)),
        distance=float(jsd(frozen.own, asked)),
        most=MOST * float(mass),
        change=float(tvd(logits.softmax(-1), frozen.probabilities)),
        before=frozen.prediction,
        after=frozen.said(logits),
    )


@torch.no_grad()
def impose(
    classifier: PoolingClassifier, request: Request, weights: Sequence[float], accounts: Accounts | None = None
) -> Imposed:
    """Read the text of ``request``, if ``accounts`` has it not, and impose one weight per word that is read.

    Raises:
        PoolScopeError: nothing to read, weights that are none, or a pooler without weights to set.
    """
    reason = DialledAttention().why_not(classifier)
    if reason is not None:
        raise NotHereError(reason)
    text = prepare(classifier, request)
    return dial(Frozen(Reading(classifier, text.ids, text.owners, accounts)), weights)


def turned(weights: Sequence[float], index: int, share: float) -> tuple[float, ...]:
    """Return ``weights`` with word ``index`` at ``share`` of their sum, the others scaled to what is left.

    Where the others had nothing, they share what is left evenly; a single word keeps all.
    """
    total = sum(weights)
    rest, left = total - weights[index], (1 - share) * total
    if len(weights) < 2:
        return tuple(weights)
    scaled = [w * left / rest if rest > 0 else left / (len(weights) - 1) for w in weights]
    scaled[index] = share * total
    return tuple(scaled)


def dealt(weights: Sequence[float], seed: int) -> tuple[float, ...]:
    """Return the weights dealt to other words by chance, the same for the same seed."""
    return tuple(np.random.default_rng(seed).permutation(np.asarray(weights)).tolist())
