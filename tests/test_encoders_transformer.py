"""The Transformer encoder against torch's own module, and the attention it lets one read."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from models.encoders.transformer import TransformerEncoder
from models.errors import PoolScopeError

SIZES = {"layers": 2, "width": 8, "heads": 2, "ffn": 12}


def build(size=4, dtype=torch.float64, **changes):
    torch.manual_seed(0)
    encoder = TransformerEncoder(size, **{**SIZES, **changes}).to(dtype).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            # Norms start at 1 and biases at 0: a swapped one would go unnoticed.
            parameter.add_(0.2 * torch.randn_like(parameter))
    return encoder


def words(size=4, dtype=torch.float64, lengths=(7, 4, 1)):
    generator = torch.Generator().manual_seed(1)
    embeddings = torch.randn(len(lengths), max(lengths), size, generator=generator, dtype=torch.float64)
    return embeddings.to(dtype), torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)


def torch_twin(encoder, dropout=0.0):
    """Torch's own pre-norm encoder with the same weights."""
    layer = nn.TransformerEncoderLayer(
        encoder.state_size, SIZES["heads"], SIZES["ffn"], dropout, "gelu", batch_first=True, norm_first=True
    )
    twin = nn.TransformerEncoder(layer, SIZES["layers"], nn.LayerNorm(encoder.state_size), enable_nested_tensor=False)
    twin = twin.to(encoder.stack.norm.weight.dtype).eval()
    pairs = {
        "self_attn.in_proj_": "qkv.", "self_attn.out_proj.": "out.", "linear1.": "widen.", "linear2.": "narrow.",
        "norm1.": "attend_norm.", "norm2.": "feed_norm.",
    }  # fmt: skip
    state = {}
    for name in twin.state_dict():
        ours = name.replace("layers.", "blocks.")
        for theirs, own in pairs.items():
            ours = ours.replace(theirs, own)
        state[name] = encoder.stack.state_dict()[ours]
    twin.load_state_dict(state)
    return twin


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)], ids=["f32", "f64"])
def test_it_is_torch_s_own_encoder_with_the_same_weights(dtype, tolerance):
    encoder, (embeddings, mask) = build(dtype=dtype), words(dtype=dtype)
    placed = encoder.place(embeddings)
    expected = torch_twin(encoder)(placed, src_key_padding_mask=~mask)
    torch.testing.assert_close(encoder(embeddings, mask)[mask], expected[mask], rtol=tolerance, atol=tolerance)


def test_states_on_padding_are_zero():
    encoder, (embeddings, mask) = build(), words()
    assert bool((encoder(embeddings, mask)[~mask] == 0).all())


@pytest.mark.parametrize("size", [4, 8])
def test_words_are_scaled_and_placed(size):
    """√D·W e + p, p of Vaswani et al. written out once more; equal widths need no projection."""
    encoder, (embeddings, _) = build(size), words(size)
    word = embeddings @ encoder.project.weight.T + encoder.project.bias if size == 4 else embeddings
    placed = encoder.place(embeddings)
    for t in range(7):
        for d in range(8):
            angle = t / 10_000 ** ((d - d % 2) / 8)
            wave = math.sin(angle) if d % 2 == 0 else math.cos(angle)
            expected = math.sqrt(8) * word[:, t, d] + wave
            torch.testing.assert_close(placed[:, t, d], expected, rtol=1e-12, atol=1e-12)


def test_learned_positions_are_a_table_of_their_own():
    encoder, (embeddings, _) = build(8, positions="learned", max_positions=7), words(8)
    torch.testing.assert_close(encoder.place(embeddings) - math.sqrt(8) * embeddings,
                               encoder.places.weight.expand(3, 7, 8), rtol=1e-12, atol=1e-12)  # fmt: skip
    longer, longer_mask = words(8, lengths=(8,))
    with pytest.raises(PoolScopeError, match="a text of 8 tokens came; its learned positions reach 7"):
        encoder(longer, longer_mask)


def test_attentions_are_those_of_torch_s_own_layers():
    encoder, (embeddings, mask) = build(), words()
    said = encoder.attentions(embeddings, mask)
    assert said.shape == (2, 3, 2, 7, 7)
    states, twin = encoder.place(embeddings), torch_twin(encoder)
    for layer, found in zip(twin.layers, said, strict=True):
        seen = layer.norm1(states)
        _, expected = layer.self_attn(seen, seen, seen, key_padding_mask=~mask, average_attn_weights=False)
        real = (mask[:, None, :, None] & mask[:, None, None, :]).expand_as(found)
        torch.testing.assert_close(found[real], expected[real], rtol=1e-10, atol=1e-12)
        assert bool((found[~real] == 0).all())
        states = layer(states, src_key_padding_mask=~mask)


def test_reading_the_attentions_leaves_no_trace():
    encoder, (embeddings, mask) = build(), words()
    before, kept = encoder(embeddings, mask), embeddings.clone()
    encoder.attentions(embeddings, mask)
    assert torch.equal(encoder(embeddings, mask), before)
    assert torch.equal(embeddings, kept)
    with pytest.raises(PoolScopeError, match="padding stands before a token"):
        encoder.attentions(embeddings, mask.flip(1))


def test_word_order_matters():
    encoder, (embeddings, mask) = build(), words(lengths=(7,))
    turned = encoder(embeddings.flip(1), mask).flip(1)
    assert float((turned - encoder(embeddings, mask)).detach().abs().max()) > 1e-3


def test_dropout_acts_in_training_only():
    encoder, (embeddings, mask) = build(dropout=0.5), words()
    assert torch.equal(encoder(embeddings, mask), encoder(embeddings, mask))
    encoder.train()
    assert not torch.equal(encoder(embeddings, mask), encoder(embeddings, mask))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"width": 10, "heads": 4}, "width 10 cannot be shared by 4 heads"),
        ({"heads": 0}, "width 8 cannot be shared by 0 heads"),
        ({"layers": 0}, "0 layers came; a Transformer needs one or more"),
        ({"positions": "rotary"}, "positions came as 'rotary'; choose sinusoidal or learned"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, sentence):
    with pytest.raises(PoolScopeError, match=sentence):
        build(**options)
