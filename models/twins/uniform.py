"""The twin with frozen, uniform attention."""

from __future__ import annotations

from models.twins.base import Twin


class UniformTwin(Twin):
    """The base without a choice: a_i = 1/N in training and at test.

    Pooling by the mean is the same function, so the twin reads the very weights of the task's
    mean-pooled classifier.
    """

    name = "uniform"
    title = "Uniform attention"
    question = "Does the task need attention at all?"
    formula = r"a_i = 1/N"
    source = "Wiegreffe & Pinter, EMNLP 2019, §3.2"
