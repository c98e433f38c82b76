"""The orthogonal LSTM encoder."""

from __future__ import annotations

import torch
from torch import Tensor

from models.encoders.recurrent import RecurrentEncoder, backwards

# Keeps 0 / 0 at the first token from being NaN; the square of any real state is far above it.
TINY = 1e-12


class OrthogonalLstmEncoder(RecurrentEncoder):
    """Bidirectional LSTM whose every state is orthogonal to the mean of those before it, direction by direction.

    h̃_t is the LSTM's own state, m_t = h_1 + … + h_{t−1}; what h̃_t shares with m_t is taken out:
    h_t = h̃_t − (h̃_t·m_t / m_t·m_t) m_t, and h_t enters the next step. A plain LSTM's states lie in a
    narrow cone, where weights over them matter little; these spread. Parameters and their names are
    those of the BiLSTM. The loop over time is our own, and takes about twice as long.
    """

    name = "orthogonal_lstm"
    title = "Orthogonal LSTM"
    formula = (
        r"h_t = \tilde h_t - \frac{\tilde h_t^\top m_t}{m_t^\top m_t}\, m_t,\quad"
        r" m_t = \sum_{i<t} h_i,\quad \tilde h_t = \mathrm{LSTM}(e_t, h_{t-1})"
    )
    source = "Mohankumar et al., ACL 2020"

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Run both directions side by side over the real tokens."""
        onward, back = self._run(torch.stack([embeddings, backwards(embeddings, mask)]))
        return torch.cat([onward, backwards(back, mask)], dim=-1)

    def _run(self, signals: Tensor) -> Tensor:
        """Return the states (2, B, T, H) of both directions' embeddings (2, B, T, E)."""
        enter, again, bias = (
            torch.stack([self._both(f"{kind}_l0{direction}") for direction in ("", "_reverse")])
            for kind in ("weight_ih", "weight_hh", "bias")
        )
        # (2, B, T, 4H), the steps in front: what does not depend on the state is computed at once.
        entered = torch.einsum("kbte,kge->tkbg", signals, enter) + bias.unsqueeze(1)
        again = again.transpose(1, 2)
        state = signals.new_zeros(2, signals.shape[1], self.lstm.hidden_size)
        cell, total, states = state, state, []
        for step in entered.unbind(0):
            # Gates in torch's order: input, forget, cell, output.
            put, keep, new, out = torch.baddbmm(step, state, again).chunk(4, dim=-1)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(put) * torch.tanh(new)
            state = torch.sigmoid(out) * torch.tanh(cell)
            along = (state * total).sum(-1, keepdim=True) / (total.square().sum(-1, keepdim=True) + TINY)
            state = state - along * total
            total = total + state
            states.append(state)
        return torch.stack(states, dim=2)

    def _both(self, name: str) -> Tensor:
        """Return a parameter of the LSTM by its name; ``bias…`` stands for the sum of its two."""
        if name.startswith("bias"):
            total: Tensor = sum(getattr(self.lstm, name.replace("bias", kind)) for kind in ("bias_ih", "bias_hh"))
            return total
        found: Tensor = getattr(self.lstm, name)
        return found
