"""Kim's convolutional encoder, with one state per token."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.encoders.base import Encoder


class CnnEncoder(Encoder):
    """Kim's CNN: n-gram detectors of several widths, h_i = ReLU([W_3 * e; W_4 * e; W_5 * e])_i.

    "Same" padding gives every position a state: the window of width k at position i covers
    i − ⌊(k−1)/2⌋ … i + ⌊k/2⌋, zeros outside the text. Kim pools over positions where the window
    fits; here the border windows count too, so that every token can be attended to.
    """

    name = "cnn"
    title = "CNN"
    formula = r"h_i = \mathrm{ReLU}\,[W_3 * e;\; W_4 * e;\; W_5 * e]_i"
    source = "Kim, EMNLP 2014"

    def __init__(self, embedding_size: int, filters: int = 64, widths: tuple[int, ...] = (3, 4, 5)) -> None:
        """Take E, the number of filters of each width, and the widths."""
        super().__init__()
        self.widths = tuple(widths)
        self.state_size = filters * len(self.widths)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding_size, filters, width) for width in self.widths)

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Convolve; padded positions came as zeros, like everything beyond the ends of the text."""
        signal = embeddings.transpose(1, 2)
        states = [
            convolution(F.pad(signal, ((width - 1) // 2, width // 2)))
            for convolution, width in zip(self.convolutions, self.widths, strict=True)
        ]
        return torch.relu(torch.cat(states, dim=1)).transpose(1, 2)
