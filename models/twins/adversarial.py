"""Adversarially trained twins."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from models.classifier import PoolingClassifier, pad_batch
from models.errors import PoolScopeError
from models.masking import masked_log_softmax
from models.poolers.base import AttentionPooler
from models.training.batches import Rows, by_length
from models.training.recipe import Option
from models.twins.answers import Answers
from models.twins.base import Material, Twin, numbers
from models.twins.measures import kullback_leibler, total_variation


class AdversarialTwin(Twin):
    """Says what the base says while attending elsewhere: mean over texts of TVD(p, p_base) − λ KL(a ‖ a_base).

    Trained from scratch on the base's predictions; no label is seen. The best epoch is that of the
    lowest loss on the dev texts. The base answers without dropout.
    """

    name = "adversarial"
    title = "Adversarial"
    question = "Can a whole classifier be trained to give the same answers from another attention?"
    formula = r"L = \mathrm{TVD}(p, p_b) - \lambda\,\mathrm{KL}(a \,\|\, a_b)"
    source = "Wiegreffe & Pinter, EMNLP 2019, §4"

    def __init__(self, base: PoolingClassifier, strength: float) -> None:
        """Take the base and λ.

        Raises:
            PoolScopeError: the base's pooler has no attention by softmax.
        """
        if not isinstance(base.pooler, AttentionPooler):
            raise PoolScopeError(
                f"adversarial twin: {base.spec.id} has no attention to depart from; expected one that has"
            )
        self.base, self.strength = base, strength
        self._answers = Answers(base, self._ask)

    @classmethod
    def make(cls, options: Mapping[str, Option], material: Material) -> AdversarialTwin:
        """Read ``lambda``."""
        return cls(material.base, *numbers(cls, options, "lambda"))

    @property
    def key(self) -> str:
        """The base's digest: another base, another twin."""
        return self.base.spec.digest

    def loss(self, classifier: PoolingClassifier, ids: Tensor, mask: Tensor, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the mean over texts of TVD − λ KL."""
        distance, divergence = self._apart(classifier, ids, mask, hidden)
        return (distance - self.strength * divergence).mean()

    def watch(self, classifier: PoolingClassifier, rows: Rows) -> dict[str, float]:
        """Return mean TVD and KL on the dev texts; the score is minus the loss."""
        was_training = classifier.training
        classifier.eval()
        total = torch.zeros(2, dtype=torch.float64)
        with torch.no_grad():
            for picked in by_length(rows, 256):
                ids, mask = pad_batch([rows[i] for i in picked], classifier.head.weight.device)
                hidden = classifier.encode(classifier.embed(ids), mask)
                total += torch.stack([part.double().sum().cpu() for part in self._apart(classifier, ids, mask, hidden)])
        classifier.train(was_training)
        distance, divergence = (total / len(rows)).tolist()
        return {"dev_tvd": distance, "dev_kl": divergence, "dev_score": self.strength * divergence - distance}

    def _apart(self, classifier: PoolingClassifier, ids: Tensor, mask: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return TVD (B,) and KL (B,) between the twin and its base."""
        expected, answers = self._answers(ids, mask)
        log_attention = _log_attention(classifier, hidden, mask)
        given = classifier.decide(classifier.pool(hidden, mask, log_attention.exp())).softmax(1)
        return total_variation(given, answers), kullback_leibler(log_attention, expected)

    def _ask(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the base's log attention (B, T) and probabilities (B, C)."""
        hidden = self.base.encode(self.base.embed(ids), mask)
        return _log_attention(self.base, hidden, mask), self.base.decide(self.base.pool(hidden, mask)).softmax(1)


def _log_attention(classifier: PoolingClassifier, hidden: Tensor, mask: Tensor) -> Tensor:
    """Return log a (B, T), 0 on padding: finite where a itself would be too small for a float."""
    assert isinstance(classifier.pooler, AttentionPooler)
    return masked_log_softmax(classifier.pooler.scores(hidden), mask)
