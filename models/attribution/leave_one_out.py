"""Leave one token out and read the text again."""

from __future__ import annotations

from models.attribution.base import AttributionMethod, Scores
from models.attribution.ledger import key_of
from models.attribution.reading import Reading
from models.attribution.states import ID_BYTES
from models.attribution.target import Target

ONE_TOKEN = "The text has one token only: without it nothing is left to read, so there is nothing to compare."


class LeaveOneOut(AttributionMethod):
    """Leave-one-out: logit_c(x) − logit_c(x without word i), everything re-encoded.

    The word is deleted with all its pieces, not blanked: the text closes up behind it. Deletions
    that leave the same words in the same order (one of two equal neighbours) are computed once.
    What a word of several pieces loses stands at its first piece.
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
    ceiling = True
    note = (
        "The ceiling for single words: a measure that counts what the number explained loses when one word is deleted "
        "is led by no other order than this one, because these are the losses themselves. So there is no oracle map "
        "beside it; where a measure counts changes of either sign, the ceiling is the order of the sizes of these "
        "values. For several words at once it is no bound: words may stand in for one another."
    )

    def most_forwards(self, words: int) -> int:
        """One text per word."""
        return words

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the drop of the target per deleted word (T,) and the probabilities without it."""
        if len(reading.units) == 1:
            return Scores(None, reason=ONE_TOKEN)
        whole = key_of(reading.ids[0].tolist())
        # Pieces of a word stand side by side.
        texts = [whole[: unit[0] * ID_BYTES] + whole[(unit[-1] + 1) * ID_BYTES :] for unit in reading.units]
        logits = reading.ledger.logits(texts)
        lost = (target(reading.logits.double()) - target(logits.double())).tolist()
        left = logits.double().softmax(-1).tolist()
        without: list[tuple[float, ...] | None] = [None] * len(reading)
        for unit, probabilities in zip(reading.units, left, strict=True):
            without[unit[0]] = tuple(probabilities)
        return Scores(reading.placed(lost), without=tuple(without))
