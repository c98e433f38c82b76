"""The bidirectional LSTM encoder."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.encoders.beginnings import Beginnings, beginnings
from models.encoders.recurrent import RecurrentEncoder, backwards, turned
from models.shared import Shared, SharedReader

# Places at which looking for what texts share costs more than it saves.
FEW: Final = 1024
DIRECTIONS: Final = ("", "_reverse")
KINDS: Final = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class BiLstmEncoder(RecurrentEncoder):
    """Bidirectional LSTM: h_i = [LSTM→(e_1 … e_i); LSTM←(e_N … e_i)], one layer.

    Each direction is one run of a forward LSTM: unlike packing this keeps the fast kernel for whole batches,
    twice as fast at 10 tokens, seven times at 230.
    """

    name = "bilstm"
    title = "BiLSTM"
    formula = (
        r"h_i = [\overrightarrow{\mathrm{LSTM}}(e_{1\ldots i});\,"
        r" \overleftarrow{\mathrm{LSTM}}(e_{N\ldots i})]"
    )
    source = "Hochreiter & Schmidhuber 1997; Graves & Schmidhuber 2005"

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Run both directions over the real tokens."""
        onward, back = map(self._weights, DIRECTIONS)
        return _both(embeddings, mask, onward, back, self.training)

    def share(self, words: Tensor) -> SharedReader:
        """Read what several texts begin with once, and what several of them end with."""
        # Where words are few, one number for each says as much as its vector, and is multiplied faster.
        few = len(words) < words.shape[1]
        letters = torch.eye(len(words), dtype=words.dtype, device=words.device) if few else words
        onward, back = (
            [enter @ words.T if few else enter, *others] for enter, *others in map(self._weights, DIRECTIONS)
        )

        def read(places: Tensor) -> Shared:
            real = places >= 0
            if places.numel() <= FEW:
                return Shared(_both(F.embedding(places.clamp_min(0), letters), real, onward, back), None)
            found, turn = places.cpu().numpy(), turned(real).cpu().numpy()
            ahead, behind = beginnings(found), beginnings(np.take_along_axis(found, turn, 1))
            sides = ahead.count, behind.count
            table = letters.new_empty(sum(sides), self.lstm.hidden_size)
            _walk(ahead, letters, onward, table[: ahead.count])
            _walk(behind, letters, back, table[ahead.count :])
            steps = np.stack([ahead.steps, np.take_along_axis(behind.steps, turn, 1) + ahead.count], axis=-1)
            return Shared(table, torch.from_numpy(steps).to(places.device), sides)

        return read

    def _weights(self, direction: str) -> list[Tensor]:
        return [getattr(self.lstm, f"{kind}_l0{direction}") for kind in KINDS]


def run(
    signal: Tensor, weights: list[Tensor], start: tuple[Tensor, Tensor] | None, training: bool = False
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run an LSTM over signal (B, T, E) from a state (h, c), zeros by default: its states and the last one."""
    zeros = signal.new_zeros(1, signal.shape[0], weights[1].shape[1])
    # (input, state, weights, has_biases, layers, dropout, train, bidirectional, batch_first)
    states, h, c = torch.lstm(signal, start or (zeros, zeros), weights, True, 1, 0.0, training, False, True)
    return states, (h, c)


def _both(signal: Tensor, mask: Tensor, onward: list[Tensor], back: list[Tensor], training: bool = False) -> Tensor:
    """Run two LSTMs over signal (B, T, E), one each way: their states side by side (B, T, 2H)."""
    ahead, behind = run(signal, onward, None, training)[0], run(backwards(signal, mask), back, None, training)[0]
    return torch.cat([ahead, backwards(behind, mask)], dim=-1)


def _walk(tree: Beginnings, letters: Tensor, weights: list[Tensor], table: Tensor) -> None:
    """Run an LSTM through a tree of beginnings and write down the state of each of its word steps (N, H)."""
    last = None
    for stage, states in zip(tree.stages, table.split([stage.words.size for stage in tree.stages]), strict=True):
        signal = F.embedding(torch.from_numpy(stage.words).to(letters.device).clamp_min(0), letters)
        if last is not None:
            parents = torch.from_numpy(stage.parents).to(letters.device)
            last = last[0].index_select(1, parents), last[1].index_select(1, parents)
        found, last = run(signal, weights, last)
        states.copy_(found.flatten(0, 1))
