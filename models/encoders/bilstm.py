"""The bidirectional LSTM encoder."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from models.encoders.base import Encoder


class BiLstmEncoder(Encoder):
    """Bidirectional LSTM: h_i = [LSTM→(e_1 … e_i); LSTM←(e_N … e_i)], one layer.

    The backward direction starts at the last real token, so padding changes nothing; batches
    whose texts have one length skip the packing, which is what single texts and all deletions of
    a text are.
    """

    name = "bilstm"
    title = "BiLSTM"
    formula = (
        r"h_i = [\overrightarrow{\mathrm{LSTM}}(e_{1\ldots i});\,"
        r" \overleftarrow{\mathrm{LSTM}}(e_{N\ldots i})]"
    )
    source = "Hochreiter & Schmidhuber 1997; Graves & Schmidhuber 2005"

    def __init__(self, embedding_size: int, hidden_size: int = 64) -> None:
        """Take E and the width of one direction; D is twice that."""
        super().__init__()
        self.state_size = 2 * hidden_size
        self.lstm = nn.LSTM(embedding_size, hidden_size, batch_first=True, bidirectional=True)

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Run both directions over the real tokens."""
        if bool(mask.all()):
            return self.lstm(embeddings)[0]  # type: ignore[no-any-return]  # nn.LSTM is untyped
        lengths = mask.sum(1).cpu()
        packed = pack_padded_sequence(embeddings, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=mask.shape[1])
        return states
