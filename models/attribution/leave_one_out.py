"""Leave one token out and read the text again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.attribution.base import AttributionMethod, Scores
from models.attribution.reading import Reading, rows_per_chunk
from models.classifier import PoolingClassifier

ONE_TOKEN = "The text has one token only: without it nothing is left to read, so there is nothing to compare."


class LeaveOneOut(AttributionMethod):
    """Leave-one-out: logit_c(x) − logit_c(x without token i), everything re-encoded.

    The token is deleted, not blanked: the text closes up behind it. Deletions that leave the same
    words in the same order (one of two equal neighbours) are computed once.
    """

    name = "leave_one_out"
    title = "Leave-one-out"
    family = "perturbation"
    question = "What does the logit lose when the word is taken out of the text?"
    formula = r"\mathrm{logit}_c(x) - \mathrm{logit}_c(x \setminus i)"
    baseline = "the same text without the token"
    cost = "one forward per token, in batches"
    source = "Li, Monroe & Jurafsky 2016; as a reference for attention: Jain & Wallace, NAACL 2019"
    signed = True
    complete = False

    def attribute(self, reading: Reading, target: int) -> Scores:
        """Return the drop of the logit per deleted token (T,) and the probabilities without it."""
        if len(reading) == 1:
            return Scores(None, reason=ONE_TOKEN)
        ids = reading.ids[0].tolist()
        texts = [(*ids[:i], *ids[i + 1 :]) for i in range(len(ids))]
        distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        rows = [distinct[text] for text in texts]
        logits = logits_of(reading.classifier, list(distinct))[rows]
        values = reading.logits[0, target].double() - logits[:, target].double()
        without = tuple(tuple(row) for row in logits.double().softmax(-1).tolist())
        return Scores(tuple(values.tolist()), forwards=len(distinct), without=without)


@torch.no_grad()
def logits_of(classifier: PoolingClassifier, texts: Sequence[Sequence[int]]) -> Tensor:
    """Logits (N, C) of N texts of equally many token ids, in chunks of bounded size."""
    ids = torch.tensor(texts, dtype=torch.long, device=classifier.table.weight.device)
    chunks = ids.split(rows_per_chunk(ids.shape[1]))
    return torch.cat([classifier(chunk, torch.ones_like(chunk, dtype=torch.bool)) for chunk in chunks])
