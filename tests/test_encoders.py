"""What every registered encoder promises, and the first three computed a second time by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from models.encoders import ENCODERS
from models.encoders.base import Encoder
from models.errors import PoolScopeError

SIZE = 4
SMALL = {
    "embedding": {"state_size": 6},
    "cnn": {"filters": 3},
    "bilstm": {"hidden_size": 3},
    "orthogonal_lstm": {"hidden_size": 3},
    "transformer": {"layers": 2, "width": 8, "heads": 2, "ffn": 12},
    "gpt_like": {"base": "none", "layers": 1, "heads": 2, "ffn": 12},
    "elmo_like": {"base": "none"},
    "bert_like": {"base": "none", "layers": 1, "heads": 2, "ffn": 12},
    "ngram": {"count": 5, "size": SIZE},
}
DTYPES = {"f32": (torch.float32, 1e-6), "f64": (torch.float64, 1e-12)}
# The pretrained encoder brings its own width and pieces; its tests are in test_pretrained.py.
each_encoder = pytest.mark.parametrize("name", [name for name in ENCODERS if name != "pretrained"])
# Nothing but ids says which n-grams enter: from the embeddings on, that encoder reads no neighbour.
each_encoder_by_embeddings = pytest.mark.parametrize("name", sorted(set(ENCODERS) - {"pretrained", "ngram"}))
each_dtype = pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.values(), ids=DTYPES)


def build(name, dtype=torch.float64):
    torch.manual_seed(0)
    return ENCODERS[name](SIZE, **SMALL.get(name, {})).to(dtype).eval()


def words(dtype=torch.float64, lengths=(7, 4, 1), seed=1):
    """Embeddings (B, T, E) and mask (B, T)."""
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(len(lengths), max(lengths), SIZE, generator=generator, dtype=torch.float64)
    return embeddings.to(dtype), torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)


@each_encoder
@each_dtype
@pytest.mark.parametrize("garbage", [7.0, float("nan"), float("inf")])
def test_padding_changes_no_state_of_a_real_token(name, dtype, tolerance, garbage):
    encoder, (embeddings, mask) = build(name, dtype), words(dtype)
    longer = torch.cat([embeddings, torch.zeros(3, 5, SIZE, dtype=dtype)], dim=1)
    longer_mask = torch.cat([mask, torch.zeros(3, 5, dtype=torch.bool)], dim=1)
    longer = longer.masked_fill(~longer_mask.unsqueeze(-1), garbage).requires_grad_()
    said, expected = encoder(longer, longer_mask), encoder(embeddings, mask)
    assert said.shape == (3, 12, encoder.state_size)
    torch.testing.assert_close(said[:, :7][mask], expected[mask], rtol=tolerance, atol=tolerance)
    said[longer_mask].sum().backward()
    # All parameters but the n-grams', which come in before the embeddings do.
    learned = [] if name == "ngram" else list(encoder.parameters())
    assert all(bool(p.grad.isfinite().all()) for p in (longer, *learned)), "padding reached a gradient"


@each_encoder
@each_dtype
def test_a_batch_is_its_rows_one_by_one(name, dtype, tolerance):
    encoder, (embeddings, mask) = build(name, dtype), words(dtype)
    together = encoder(embeddings, mask)
    for row, length in enumerate(mask.sum(1).tolist()):
        alone = encoder(embeddings[row : row + 1, :length], mask[row : row + 1, :length])
        torch.testing.assert_close(together[row, :length], alone[0], rtol=tolerance, atol=tolerance)


@each_encoder
def test_arguments_stay_as_they_came(name):
    encoder, (embeddings, mask) = build(name), words()
    embeddings[1, 5] = float("nan")
    kept, kept_mask = embeddings.clone(), mask.clone()
    encoder(embeddings, mask)
    torch.testing.assert_close(embeddings, kept, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(mask, kept_mask)


@each_encoder_by_embeddings
def test_contextual_says_the_truth(name):
    encoder, (embeddings, mask) = build(name), words(lengths=(7,))
    other = embeddings.clone()
    # One coordinate: a layer norm would not see all of them move together.
    other[0, 3, 0] += 1
    moved = (encoder(other, mask) - encoder(embeddings, mask)).abs().amax(-1)[0] > 1e-9
    assert bool(moved[3])
    assert bool(moved[[2, 4]].any()) == encoder.contextual
    assert int(moved.sum()) == 1 or encoder.contextual


@each_encoder
def test_gradients_are_those_of_finite_differences(name):
    encoder, (embeddings, mask) = build(name), words(lengths=(3, 2))
    embeddings.requires_grad_()
    assert torch.autograd.gradcheck(lambda e: encoder(e, mask)[mask], embeddings)


@each_encoder
@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        ([[False, True, True]], "padding stands before a token; put all padding at the end"),
        ([[True, False, True]], "padding stands before a token"),
        ([[False, False, False]], r"rows \[0\] hold only padding; give every text one token or more"),
        ([[1, 1, 0]], r"torch.int64 mask \(1, 3\) came; expected \(B, T, E\) and bool \(B, T\)"),
        ([[True, True]], r"embeddings \(1, 3, 4\) and torch.bool mask \(1, 2\) came"),
    ],
)
def test_masks_that_mean_nothing_are_refused(name, mask, sentence):
    with pytest.raises(PoolScopeError, match=f"^{name}: .*{sentence}"):
        build(name)(torch.zeros(1, 3, SIZE, dtype=torch.float64), torch.tensor(mask))


def test_orthogonal_states_stand_at_right_angles_to_the_mean_of_those_before():
    encoder, (embeddings, mask) = build("orthogonal_lstm", torch.float32), words(torch.float32, lengths=(40, 25, 1))
    states = encoder(embeddings, mask).detach()
    for row, length in enumerate(mask.sum(1).tolist()):
        onward, back = states[row, :length].chunk(2, dim=-1)
        for run in (onward, back.flip(0)):
            assert bool((run.norm(dim=1) > 1e-3).all())
            for t in range(1, length):
                mean = run[:t].mean(0)
                assert abs(float(torch.cosine_similarity(run[t], mean, dim=0))) < 1e-5


def test_orthogonal_lstm_by_a_loop_over_torchs_cell():
    encoder, (embeddings, mask) = build("orthogonal_lstm"), words()
    said = encoder(embeddings, mask)
    for row, length in enumerate(mask.sum(1).tolist()):
        text, runs = embeddings[row, :length], []
        for direction, steps in (("", text), ("_reverse", text.flip(0))):
            cell = nn.LSTMCell(SIZE, 3).double()
            cell.load_state_dict(
                {name.removesuffix(f"_l0{direction}"): value for name, value in encoder.lstm.state_dict().items()
                 if name.endswith(f"_l0{direction}")}
            )  # fmt: skip
            state, memory, before, states = torch.zeros(1, 3), torch.zeros(1, 3), None, []
            state, memory = state.double(), memory.double()
            for step in steps:
                state, memory = cell(step.unsqueeze(0), (state, memory))
                if before is not None:
                    state = state - (state @ before.T) / (before @ before.T) * before
                before = state if before is None else before + state
                states.append(state[0])
            runs.append(torch.stack(states))
        expected = torch.cat([runs[0], runs[1].flip(0)], dim=-1)
        torch.testing.assert_close(said[row, :length], expected, rtol=1e-9, atol=1e-9)


def test_embedding_is_a_projection_per_token():
    encoder, (embeddings, mask) = build("embedding"), words()
    weight, bias = (p.detach().numpy() for p in (encoder.project.weight, encoder.project.bias))
    said = encoder(embeddings, mask).detach()
    for row, position in mask.nonzero().tolist():
        expected = np.tanh(weight @ embeddings[row, position].numpy() + bias)
        np.testing.assert_allclose(said[row, position].numpy(), expected, rtol=1e-12)


def test_cnn_by_loops_over_windows():
    """Kim's filters with "same" padding: width k at i covers i − ⌊(k−1)/2⌋ … i + ⌊k/2⌋."""
    encoder, (embeddings, mask) = build("cnn"), words()
    assert encoder.widths == (3, 4, 5)
    said = encoder(embeddings, mask).detach()
    for row, length in enumerate(mask.sum(1).tolist()):
        for i in range(length):
            state = []
            for width, convolution in zip((3, 4, 5), encoder.convolutions, strict=True):
                for weight, bias in zip(convolution.weight.tolist(), convolution.bias.tolist(), strict=True):
                    total = bias
                    for k in range(width):
                        j = i - (width - 1) // 2 + k
                        if 0 <= j < length:
                            total += sum(weight[e][k] * float(embeddings[row, j, e]) for e in range(SIZE))
                    state.append(max(0.0, total))
            np.testing.assert_allclose(said[row, i].numpy(), state, rtol=1e-10, atol=1e-12)


def test_bilstm_is_two_lstms_one_on_the_reversed_text():
    encoder, (embeddings, mask) = build("bilstm"), words()
    both = []
    for suffix in ("", "_reverse"):
        one = nn.LSTM(SIZE, 3, batch_first=True).double()
        one.load_state_dict({n: getattr(encoder.lstm, n + suffix) for n in one.state_dict()})
        both.append(one)
    said = encoder(embeddings, mask)
    for row, length in enumerate(mask.sum(1).tolist()):
        text = embeddings[row : row + 1, :length]
        expected = torch.cat([both[0](text)[0], both[1](text.flip(1))[0].flip(1)], dim=-1)
        torch.testing.assert_close(said[row, :length], expected[0], rtol=1e-12, atol=1e-14)


def test_bilstm_is_its_own_lstm_over_packed_texts():
    encoder, (embeddings, mask) = build("bilstm"), words(lengths=(4, 7, 1))
    packed = pack_padded_sequence(embeddings, mask.sum(1), batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(encoder.lstm(packed)[0], batch_first=True)
    torch.testing.assert_close(encoder(embeddings, mask)[mask], expected[mask], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_what_leads_is_affine_and_what_follows_makes_the_states_of_it(name):
    if name == "pretrained":
        assert ENCODERS[name].lead is Encoder.lead
        return
    encoder, (embeddings, mask) = build(name), words()
    lead = encoder.lead(embeddings, mask)
    if lead is None:
        assert name not in ("cnn", "embedding")
        return
    start = torch.zeros_like(embeddings)
    between = encoder.lead(0.3 * embeddings + 0.7 * start, mask)
    torch.testing.assert_close(between, 0.3 * lead + 0.7 * encoder.lead(start, mask), rtol=1e-12, atol=1e-12)
    masked = embeddings.masked_fill(~mask.unsqueeze(-1), 0.0)
    states = encoder.follow(encoder.lead(masked, mask), mask)
    torch.testing.assert_close(states[mask], encoder(embeddings, mask)[mask], rtol=0, atol=0)
    assert not torch.allclose(states, encoder.follow(between, mask))
