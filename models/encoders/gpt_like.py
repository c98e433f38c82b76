"""The encoder made of a small causal language model."""

from __future__ import annotations

from torch import nn

from models.encoders.based import BasedEncoder
from models.encoders.bodies import GptBody


class GptLikeEncoder(BasedEncoder):
    """GPT-like: a causal Transformer pretrained to guess the next word, its layers mixed.

    A token's state knows what stands before it and nothing of what follows: the last token alone has
    read the whole text.
    """

    name = "gpt_like"
    title = "GPT-like"
    formula = (
        r"h_i = \gamma \sum_j s_j\, h^{(j)}_i,\quad"
        r" h^{(j)}_i = f_j(e_1, \ldots, e_i),\quad s = \mathrm{softmax}(\lambda)"
    )
    source = "Radford et al. 2018; layer mix: Peters et al., NAACL 2018"
    self_attends = True

    def __init__(
        self, embedding_size: int, base: str = "gpt_like", tune: bool = False, layers: int = 2, heads: int = 4,
        ffn: int = 512, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """Take E, the base and whether to tune it; ``layers``, ``heads`` and ``ffn`` count without a base only."""
        super().__init__(embedding_size, base, tune, {"layers": layers, "heads": heads, "ffn": ffn}, dropout)

    def build(self, width: int, sizes: dict[str, int], dropout: float) -> nn.Module:
        """Return a causal stack."""
        return GptBody(width, **sizes, dropout=dropout)
