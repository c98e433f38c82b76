"""What a training run minimises, and how its classifier answers."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from models.classifier import PoolingClassifier
from models.training.batches import Rows


class Objective:
    """The usual aim: mean cross-entropy, plus what the pooler itself asks for; best is the highest dev accuracy.

    A twin changes one of the parts. Shapes: ids and mask (B, T), hidden (B, T, D), target (B,).
    """

    @property
    def key(self) -> str:
        """Whatever decides the loss and stands neither in the recipe nor in the data, as a base's digest."""
        return ""

    def loss(self, classifier: PoolingClassifier, ids: Tensor, mask: Tensor, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the scalar that one step lowers; ``mask`` is that of :meth:`PoolingClassifier.grouped`."""
        return classifier.pooler.objective(hidden, mask, partial(losses, classifier, target))

    def weigh(self, ids: Tensor, mask: Tensor) -> Tensor | None:
        """Return the attention (B, T) imposed in training and at test, or ``None`` for the classifier's own."""
        return None

    def watch(self, classifier: PoolingClassifier, rows: Rows) -> dict[str, Any]:
        """Return what an epoch's record should say of the dev texts besides accuracy.

        A ``dev_score`` among it chooses the best epoch (the highest) in place of the dev accuracy.
        """
        return {}


def losses(classifier: PoolingClassifier, target: Tensor, pooled: Tensor) -> Tensor:
    """Return the cross-entropy (B,) of pooled vectors (B, R)."""
    return F.cross_entropy(classifier.decide(pooled), target, reduction="none")
