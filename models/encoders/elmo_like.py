"""The encoder made of a small character-based language model in both directions."""

from __future__ import annotations

from torch import nn

from models.encoders.based import BasedEncoder
from models.encoders.bodies import BiLmBody


class ElmoLikeEncoder(BasedEncoder):
    """ELMo-like: word vectors from characters, two LSTMs each way trained to guess the next and the last word.

    The vectors that enter are the character network's output for the base's list of words, computed once
    when the base is opened: every method of attribution needs the embedding to be a look-up by id, the
    same for equal ids, and ids must be few. So a word that is not on the list is read as the unknown word,
    although the network could spell it; the list is therefore three times as long as the others'.
    """

    name = "elmo_like"
    title = "ELMo-like"
    formula = (
        r"h_i = \gamma \sum_j s_j\, h^{(j)}_i,\quad h^{(0)}_i = [e_i; e_i],\quad"
        r" h^{(j)}_i = [\overrightarrow{\mathrm{LSTM}}_j;\, \overleftarrow{\mathrm{LSTM}}_j]_i,\quad"
        r" e_i = \mathrm{CharCNN}(w_i)"
    )
    source = "Peters et al., NAACL 2018"
    smooth = True

    def __init__(
        self, embedding_size: int, base: str = "elmo_like", tune: bool = False, dropout: float = 0.0
    ) -> None:
        """Take E, the base and whether to tune it; without one the words come from any table."""
        super().__init__(embedding_size, base, tune, {}, dropout)

    def build(self, width: int, sizes: dict[str, int], dropout: float) -> nn.Module:
        """Return the two stacks of LSTMs."""
        return BiLmBody(width, **sizes, dropout=dropout)
