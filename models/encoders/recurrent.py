"""What the encoders that read a text from both ends have in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.encoders.base import Encoder


class RecurrentEncoder(Encoder):
    """Base of the encoders with the weights of one ``nn.LSTM(bidirectional=True)``, under its names.

    A subclass runs them in its own way. The backward direction starts at the last real token, so padding
    changes nothing: each text is turned round within its own length, read forwards, and turned back.
    """

    smooth = True

    def __init__(self, embedding_size: int, hidden_size: int = 64) -> None:
        """Take E and the width of one direction; D is twice that."""
        super().__init__()
        self.state_size = 2 * hidden_size
        self.lstm = nn.LSTM(embedding_size, hidden_size, batch_first=True, bidirectional=True)


def turned(mask: Tensor) -> Tensor:
    """Return positions (B, T) that reverse the real tokens of each row and leave padding in place."""
    position = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    last = mask.sum(1, keepdim=True) - 1
    return torch.where(mask, last - position, position)


def backwards(signal: Tensor, mask: Tensor) -> Tensor:
    """Return signal (B, T, ·) with the real tokens of each row in reverse order; twice is as it was."""
    # A GPU would have to wait for the answer; elsewhere a flip is many times as fast as looking up each number.
    if not mask.is_cuda and bool(mask.all()):
        return signal.flip(1)
    return signal.gather(1, turned(mask).unsqueeze(-1).expand_as(signal))
