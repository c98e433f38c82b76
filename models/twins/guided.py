"""Context-free models guided by imposed attention."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.training.objective import losses
from models.training.recipe import Option
from models.twins.answers import Answers
from models.twins.base import Material, Twin, numbers


class GuidedTwin(Twin):
    """A classifier that reads each word alone and pools with another classifier's attention, in training and at test.

    If weights learned with context help a model without, they say something about the words they stand on.
    Loaded from the zoo the twin's own attention is uniform: whoever asks it must impose its guide's
    weights (:func:`guide_weights`), which the card names.
    """

    name = "guided"
    title = "Guided, context-free"
    question = "Do the attention weights help a model that reads each word by itself?"
    formula = r"r = \sum_i a_i^{\mathrm{guide}} \tanh(W e_i + b)"
    source = "Wiegreffe & Pinter, EMNLP 2019, §3.4"

    def __init__(self, guide: PoolingClassifier) -> None:
        """Take the classifier whose attention is imposed.

        Raises:
            PoolScopeError: it has no attention.
        """
        if not guide.pooler.attends:
            raise PoolScopeError(f"guided twin: {guide.spec.id} has no attention to impose; expected one that has")
        self.guide = guide
        self._answers = Answers(guide, lambda ids, mask: (guide_weights(guide, ids, mask), mask[:, :1]))

    @classmethod
    def make(cls, options: Mapping[str, Option], material: Material) -> GuidedTwin:
        """Read ``guide``, an id; the base itself is at hand."""
        numbers(cls, options)
        guide = str(options.get("guide", material.base.spec.id))
        return cls(material.base if guide == material.base.spec.id else material.load(guide))

    @property
    def key(self) -> str:
        """The guide's digest."""
        return self.guide.spec.digest

    def loss(self, classifier: PoolingClassifier, ids: Tensor, mask: Tensor, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the mean cross-entropy with the guide's weights imposed."""
        return losses(classifier, target, classifier.pool(hidden, mask, self.weigh(ids, mask))).mean()

    def weigh(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the guide's attention (B, T)."""
        return self._answers(ids, mask)[0]


def guide_weights(guide: PoolingClassifier, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the attention (B, T) of ``guide`` on ids of its own vocabulary; it carries no gradient."""
    here = guide.head.weight.device
    with torch.no_grad():
        hidden = guide.encode(guide.embed(ids.to(here)), mask.to(here))
        weights = guide.pooler.attention(hidden, guide.grouped(ids.to(here), mask.to(here)))
    assert weights is not None
    return weights.to(ids.device)
