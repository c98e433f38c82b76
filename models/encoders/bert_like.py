"""The encoder made of a small masked language model."""

from __future__ import annotations

from torch import Tensor, nn

from models.encoders.based import BasedEncoder
from models.encoders.bodies import BertBody


class BertLikeEncoder(BasedEncoder):
    """BERT-like: a bidirectional Transformer pretrained on masked words and next passages, its layers mixed.

    [CLS] stands in front inside the encoder, where every token may look at it; its own state is not
    given to the pooler, which reads words only. The whole text is read as the first passage.
    """

    name = "bert_like"
    title = "BERT-like"
    formula = (
        r"h_i = \gamma \sum_j s_j\, h^{(j)}_i,\quad"
        r" h^{(j)}_i = f_j([\mathrm{CLS}], e_1, \ldots, e_N),\quad s = \mathrm{softmax}(\lambda)"
    )
    source = "Devlin et al., NAACL 2019; layer mix: Peters et al., NAACL 2018"
    self_attends = True

    def __init__(
        self, embedding_size: int, base: str = "bert_like", tune: bool = False, layers: int = 3, heads: int = 4,
        ffn: int = 512, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """Take E, the base and whether to tune it; ``layers``, ``heads`` and ``ffn`` count without a base only."""
        super().__init__(embedding_size, base, tune, {"layers": layers, "heads": heads, "ffn": ffn}, dropout)

    def build(self, width: int, sizes: dict[str, int], dropout: float) -> nn.Module:
        """Return a bidirectional stack with [CLS]."""
        return BertBody(width, **sizes, dropout=dropout)

    def layers(self, embeddings: Tensor, mask: Tensor) -> list[Tensor]:
        """Return the layers of the tokens, [CLS] left out."""
        return [layer[:, 1:] for layer in super().layers(embeddings, mask)]
