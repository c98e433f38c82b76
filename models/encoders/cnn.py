"""Kim's convolutional encoder, with one state per token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.encoders.base import Encoder
from models.shared import Shared, SharedReader


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
        return self.follow(self.lead(embeddings, mask), mask)

    def lead(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the detectors' sums."""
        signal = embeddings.transpose(1, 2)
        sums = [
            convolution(F.pad(signal, ((width - 1) // 2, width // 2)))
            for convolution, width in zip(self.convolutions, self.widths, strict=True)
        ]
        return torch.cat(sums, dim=1).transpose(1, 2)

    def follow(self, lead: Tensor, mask: Tensor) -> Tensor:
        """Let the detectors fire."""
        return torch.relu(lead)

    def share(self, words: Tensor) -> SharedReader | None:
        """Multiply each word with each column of each kernel once; a window's state is a sum of such products.

        Windows that several texts have in common are summed once. ``None`` if there are so many
        words that a window of them has no 63-bit number.
        """
        kernels = cast(Iterable[nn.Conv1d], self.convolutions)
        before, after = max((width - 1) // 2 for width in self.widths), max(width // 2 for width in self.widths)
        count, size = len(words) + 1, before + after + 1
        if count**size >= 1 << 63:
            return None
        # Line 0 is whatever is not there: zeros, on padding and beyond the ends.
        lines = F.pad(words, (0, 0, 1, 0))
        products = [(lines @ c.weight.permute(2, 1, 0)).flatten(0, 1) for c in kernels]
        digits = count ** torch.arange(size - 1, -1, -1, device=words.device)

        def read(places: Tensor) -> Shared:
            windows = F.pad(places + 1, (before, after)).unfold(1, size, 1)
            # On padding any window will do, so it adds none.
            numbers = torch.where(places < 0, (windows[0, 0] * digits).sum(), (windows * digits).sum(-1))
            distinct, index = torch.unique(numbers, return_inverse=True)
            found = distinct.unsqueeze(1) // digits % count
            states = []
            for width, table, kernel in zip(self.widths, products, kernels, strict=True):
                first = before - (width - 1) // 2
                rows = found[:, first : first + width] + count * torch.arange(width, device=words.device)
                states.append(F.embedding_bag(rows, table, mode="sum") + cast(Tensor, kernel.bias))
            return Shared(torch.relu(torch.cat(states, dim=1)), index)

        return read
