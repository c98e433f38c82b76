"""What the pooler did with one text."""

from __future__ import annotations

import torch

from models.attribution.base import floats
from models.attribution.reading import Reading
from models.edited import Text
from models.records import PoolingTrace, TraceMap


@torch.no_grad()
def trace(reading: Reading, text: Text) -> PoolingTrace:
    """What the pooler did: weights, effective attention, mean shares, winners, state norms."""
    pooler = reading.classifier.pooler
    hidden, mask = reading.hidden, reading.mask
    shares = reading.shares
    meaning = "attention weight a_i" if pooler.attends else f"{pooler.title} pooling has no attention weights"
    effective = pooler.effective(hidden, mask)
    weights = None if reading.weights is None else floats(reading.weights[0])
    sections = mask[0].tolist() if pooler.tiered else None
    return PoolingTrace(
        weights=None if weights is None else text.spread(weights),
        weights_meaning=meaning,
        effective=None if effective is None else text.spread(floats(effective[0])),
        shares=text.spread(floats(shares.mean(-1))),
        # Only max pooling divides whole dimensions among winners.
        winners=text.spread(floats(shares.sum(-1))) if pooler.name == "max" else None,
        state_norms=text.average(floats(hidden[0].norm(dim=-1))),
        parameters=(*pooler.learned(), *reading.classifier.encoder.learned()),
        maps=tuple(TraceMap(name, text.spread(floats(m[0]))) for name, m in pooler.maps(hidden, mask).items()),
        special_weight=0.0 if weights is None else text.special(weights),
        special_share=text.special(floats(shares.mean(-1))),
        segments=None if sections is None else tuple(map(int, text.average(sections))),
    )
