"""The twin with diverse states."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from models.classifier import PoolingClassifier
from models.training.recipe import Option
from models.twins.base import Material, Twin, numbers
from models.twins.measures import conicity


class DiversityTwin(Twin):
    """The base's loss plus λ · conicity of the token states: states spread out instead of forming one narrow cone."""

    name = "diversity"
    title = "Diversity LSTM"
    question = "Does attention tell more once token states no longer resemble each other?"
    formula = r"L = \mathrm{CE} + \lambda\,\frac{1}{N}\sum_i |\cos(h_i, \bar h)|"
    source = "Mohankumar et al., ACL 2020, §4.2"

    def __init__(self, strength: float) -> None:
        """Take λ."""
        self.strength = strength

    @classmethod
    def make(cls, options: Mapping[str, Option], material: Material) -> DiversityTwin:
        """Read ``lambda``."""
        return cls(*numbers(cls, options, "lambda"))

    def loss(self, classifier: PoolingClassifier, ids: Tensor, mask: Tensor, hidden: Tensor, target: Tensor) -> Tensor:
        """Return mean cross-entropy + λ · mean conicity."""
        usual = super().loss(classifier, ids, mask, hidden, target)
        return usual + self.strength * conicity(hidden, mask.bool()).mean()
