"""Word vectors from characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.text import PAD

# UTF-8 bytes behind padding, begin and end of a word, as in ELMo.
BEGIN, END, SHIFT = 1, 2, 3
LONGEST = 24
WIDTHS = (1, 2, 3, 4, 5)
CHUNK = 4_096


class Spelling(nn.Module):
    """e = W·highway(max over places of tanh(K * c)), c the vectors of a word's bytes.

    K are filters of widths 1 to 5; a highway layer g ⊙ ReLU(A x) + (1 − g) ⊙ x stands behind them (Kim et al.,
    AAAI 2016; Peters et al., NAACL 2018). A word is read as at most 22 UTF-8 bytes.
    """

    def __init__(self, width: int, filters: int = 40, char_size: int = 16) -> None:
        """Take the width P of the vectors, the number of filters of each width, and that of bytes."""
        super().__init__()
        self.bytes = nn.Embedding(256 + SHIFT, char_size, padding_idx=0)
        self.filters = nn.ModuleList(nn.Conv1d(char_size, filters, size) for size in WIDTHS)
        inner = filters * len(WIDTHS)
        self.highway, self.project = nn.Linear(inner, 2 * inner), nn.Linear(inner, width)
        # Highways start open: most of the input is carried on as it is.
        nn.init.constant_(self.highway.bias[inner:], -2.0)

    def forward(self, spelled: Tensor) -> Tensor:
        """Return vectors (N, P) of words given as bytes (N, 24)."""
        signal = self.bytes(spelled).transpose(1, 2)
        found = torch.cat([torch.tanh(filters(signal)).amax(-1) for filters in self.filters], dim=-1)
        changed, gate = self.highway(found).chunk(2, dim=-1)
        gate = torch.sigmoid(gate)
        return cast(Tensor, self.project(gate * torch.relu(changed) + (1 - gate) * found))

    @torch.no_grad()
    def table(self, words: Sequence[str]) -> Tensor:
        """Return the word table (V, P) of a vocabulary's words, its padding row zero."""
        table = torch.cat([self(spell(words[at : at + CHUNK])) for at in range(0, len(words), CHUNK)])
        table[PAD] = 0
        return table

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Spelling:
        """Build the network that holds ``tensors``; its sizes are read off them.

        Raises:
            KeyError, RuntimeError: they are not those of such a network.
        """
        filters, char_size = tensors["filters.0.weight"].shape[:2]
        network = cls(tensors["project.weight"].shape[0], filters, char_size)
        network.load_state_dict(dict(tensors))
        return network.eval()


def spell(words: Sequence[str]) -> Tensor:
    """Return the UTF-8 bytes of words, begin and end around them: (N, 24), zeros behind."""
    rows = torch.zeros(len(words), LONGEST, dtype=torch.long)
    for number, word in enumerate(words):
        raw = word.encode("utf-8", "replace")[: LONGEST - 2]
        rows[number, : len(raw) + 2] = torch.tensor([BEGIN, *(byte + SHIFT for byte in raw), END])
    return rows
