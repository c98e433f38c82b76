"""Take several neighbouring words out at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.attribution.base import AttributionMethod, Scores
from models.attribution.game import Game
from models.attribution.leave_one_out import ONE_TOKEN
from models.attribution.reading import Reading
from models.attribution.target import Target


@dataclass(frozen=True, slots=True)
class OcclusionParams:
    """How many words go together."""

    window: int = field(
        default=2,
        metadata={
            "title": "Window",
            "min": 1,
            "max": 5,
            "step": 1,
            "help": "How many neighbouring words are taken out at once; one word at a time is leave-one-out.",
        },
    )


class Occlusion(AttributionMethod):
    """Occlusion by windows of w words: the mean of logit_c(x) − logit_c(x without W) over windows W that hold word i.

    The window slides by one word and never leaves the text, so a word at either end is in fewer
    windows than one in the middle. Its words are deleted with all their pieces and the rest is read
    again. Two words that only matter together, or that stand in for each other, are seen here and
    not when they go one by one.
    """

    name = "occlusion"
    title = "Occlusion"
    family = "perturbation"
    question = "What does the logit lose when the word goes together with its neighbours?"
    formula = r"\frac{1}{|\{W \ni i\}|} \sum_{W \ni i} \mathrm{logit}_c(x) - \mathrm{logit}_c(x \setminus W)"
    baseline = "the same text without a window of words"
    cost = "one forward per window, in batches"
    source = "Zeiler & Fergus, ECCV 2014; Captum Occlusion"
    signed = True
    complete = False
    Params = OcclusionParams

    def most_forwards(self, words: int) -> int:
        """One text per window, and fewer windows than words."""
        return words

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the mean drop of the logit over the windows that hold each word (T,)."""
        size, words = self.params.window, len(reading.units)
        if words == 1:
            return Scores(None, reason=ONE_TOKEN)
        if size >= words:
            reason = (
                f"A window of {size} words covers this text of {words}, and without it nothing is left to read; "
                f"choose a smaller window."
            )
            return Scores(None, reason=reason)
        game = Game(reading, target)
        starts = np.arange(words - size + 1)[:, None]
        taken = (np.arange(words) >= starts) & (np.arange(words) < starts + size)
        drops = game.whole - game(~taken)
        return Scores(reading.placed(drops @ taken / taken.sum(0)))
