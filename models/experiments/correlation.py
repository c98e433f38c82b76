"""Correlation: do attention, gradient and leave-one-out order the words alike?"""

from __future__ import annotations

from models.attribution.base import floats
from models.attribution.target import Target
from models.experiment_records import Correlation
from models.experiments.base import Experiment, NotHereError
from models.experiments.frozen import Frozen, tvd
from models.metrics.agreement import KENDALL


class AttentionCorrelation(Experiment):
    """τ_b between the weights, |gradient × embedding| with the weights held, and the output change without each word.

    The gradient is that of the predicted class's probability; leave-one-out deletes the word, reads the rest anew
    and takes the TVD of the outputs. Special tokens are left out. Poolers without attention start from their shares.
    """

    name = "correlation"
    title = "Correlation"
    question = "Do attention, gradient and removal order the words alike?"
    claim = (
        "If attention explained the answer, it should order the words as other measures of importance do, say Jain & "
        "Wallace; often it does not."
    )
    protocol = (
        "Three maps of the same answer: the weights; the size of gradient × embedding, weights held; the total "
        "variation distance of the output once the word is deleted and the rest read anew. Kendall's τ_b compares "
        "their orders."
    )
    source = "Jain & Wallace, NAACL 2019"
    ends = (
        "τ near 1: the two order the words alike. Near 0: one order tells nothing about the other. Below 0: they run "
        "against each other."
    )
    shows = "A low τ shows that the words with most weight are not those whose change or removal moves the answer most."
    shows_not = (
        "It does not show which of the three is right: gradient and removal often disagree as much with each other, "
        "and the removed word also leaves its traces in its neighbours' states."
    )

    def run(self, frozen: Frozen) -> Correlation:
        """Make the three maps and compare them."""
        reading = frozen.reading
        if frozen.count < 2:
            raise NotHereError("One word has no order to compare; type at least two.")
        gradient = reading.embedding_gradient(Target(frozen.label, scalar="probability"), detached=True)
        slope = frozen.by_word((reading.embeddings[0] * gradient).sum(-1).double()).abs()
        ids = reading.ids[0].tolist()
        texts = [[*ids[: unit[0]], *ids[unit[-1] + 1 :]] for unit in reading.units]
        without = reading.ledger.logits(texts).double().softmax(-1)
        removal = tvd(without, reading.logits.double().softmax(-1))
        attention, first, second = floats(frozen.shown), floats(slope), floats(removal)
        start = "attention" if frozen.own is not None else "share"
        return Correlation(
            start=start,
            weights=attention,
            gradient=first,
            removal=second,
            weights_gradient=KENDALL(attention, first, names=(start, "gradient"), basis="magnitude"),
            weights_removal=KENDALL(attention, second, names=(start, "leave_one_out"), basis="magnitude"),
            gradient_removal=KENDALL(first, second, names=("gradient", "leave_one_out"), basis="magnitude"),
        )
