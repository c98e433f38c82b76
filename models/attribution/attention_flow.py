"""Attention flow: how much of the pooler's weight each word could carry through the layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from models.attribution.base import Scores
from models.attribution.layers import LayerMethod, encode, pooling
from models.attribution.reading import Reading
from models.attribution.rollout import residual
from models.attribution.target import Target

MOST_TOKENS = 128
UNITS = 10**8  # capacities are whole numbers: so many units of flow are a weight of 1
TOO_LONG = f"Attention flow is computed for texts of up to {MOST_TOKENS} tokens; this one is longer."


class AttentionFlow(LayerMethod):
    """Attention flow: the maximum flow from the pooled vector down to each word, Â_l being the capacities.

    The nodes are the tokens of every layer. Token i of layer l can pass (Â_l)_ij to token j below, Â_l =
    ½ I + ½ mean_heads A_l as in rollout, and the pooled vector s_l a_i to token i of layer l: the pooling weight
    times the layer's share of a state. A word's score is the most that can reach it when it is the only end;
    the scores of different words use the same edges and sum to more than 1. Rollout multiplies along a
    path, flow takes the narrowest edge of it.

    Texts of more than 128 tokens are refused: 512 over six layers would take about a minute. Others get their turn, or
    stop the work, between two words. Capacities are rounded to whole units of 10⁻⁸, which moves a score by less than
    10⁻⁶.
    """

    name = "attention_flow"
    title = "Attention flow"
    question = "How much of the pooler's weight could come from this word, if it took every road there is?"
    formula = r"\mathrm{maxflow}(\mathrm{pooled} \to i),\quad \mathrm{capacities}\ \hat A_l,\ s_l a_i"
    baseline = "none: capacities of a network, whatever the prediction is"
    cost = "one more pass through the encoder, and one maximum-flow problem per word"
    source = "Abnar & Zuidema, ACL 2020"
    signed = False
    complete = False
    blind = True

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the maximum flow to each word (T,), the same for every target."""
        if len(reading) > MOST_TOKENS:
            return Scores(None, reason=TOO_LONG)
        with torch.no_grad():
            _, attentions = encode(reading, reading.embeddings)
            steps = [residual(a[0].mean(0)).double().cpu().numpy() for a in attentions]
            weights = pooling(reading).double().cpu().numpy()
        own = len(steps[0]) - len(weights)
        shares = reading.classifier.encoder.depths(len(steps))
        found = flows(steps, np.concatenate([np.zeros(own), weights]), shares, lambda: reading.ledger.pause(0))
        return Scores(tuple(found[own:]), forwards=1)


def flows(
    steps: Sequence[np.ndarray], weights: np.ndarray, shares: Sequence[float], between: Callable[[], None] | None = None
) -> list[float]:
    """Return the maximum flow to each of the T' tokens from one node above all layers.

    ``steps`` (L matrices (T', T')) are the capacities from the tokens of a layer to those below,
    ``weights`` (T',) times ``shares`` (L + 1) those from the top node to the tokens of each layer. ``between`` is
    called ahead of each token's problem, and may end the work by what it raises.
    """
    # Half a second of import that only this method needs.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    count, top = len(weights), len(weights) * len(shares)
    capacities = np.zeros((top + 1, top + 1))
    for level, share in enumerate(shares):
        here = slice(level * count, (level + 1) * count)
        capacities[top, here] = share * weights
        if level:
            capacities[here, (level - 1) * count : level * count] = steps[level - 1]
    network = csr_array(np.rint(capacities * UNITS).astype(np.int32))
    found = []
    for word in range(count):
        if between is not None:
            between()
        found.append(float(maximum_flow(network, top, word).flow_value) / UNITS)
    return found
