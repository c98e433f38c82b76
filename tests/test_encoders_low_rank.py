"""Low-rank tuning: it starts at the pretrained encoder, and is the library's with W + U D in place of W."""

from __future__ import annotations

import pytest
import torch
from tiny_bert import save_bert
from torch import nn
from toy_data import toy
from transformers import AutoModel

from models.encoders.low_rank import LowRankLinear, adapt
from models.encoders.pretrained import PretrainedEncoder
from models.errors import PoolScopeError
from models.pretrained.base import open_pretrained
from models.training.recipe import Recipe
from models.training.trainer import train
from models.zoo.publish import publish
from models.zoo.store import load_classifier

MASK = torch.tensor([[True, True, True, True], [True, True, True, False]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(save_bert(tmp_path_factory.mktemp("bert")))


def encoder(folder, **options):
    torch.manual_seed(0)
    return PretrainedEncoder(8, base=folder, layers="last", tune="low_rank", rank=3, **options).eval()


def said(module, embeddings):
    return module(inputs_embeds=embeddings, attention_mask=MASK.long()).last_hidden_state[MASK]


def test_training_starts_at_the_pretrained_encoder(folder):
    embeddings = torch.randn(2, 4, 8)
    with torch.no_grad():
        expected = said(AutoModel.from_pretrained(folder).eval(), embeddings)
        torch.testing.assert_close(encoder(folder)(embeddings, MASK)[MASK], expected, rtol=1e-5, atol=1e-6)


def test_the_encoder_is_the_librarys_with_the_product_added_to_its_weights(folder):
    tuned, library, embeddings = encoder(folder), AutoModel.from_pretrained(folder).eval(), torch.randn(2, 4, 8)
    plain, merged = dict(library.named_modules()), 0
    with torch.no_grad():
        before = said(library, embeddings)
        for name, module in tuned.module.named_modules():
            if isinstance(module, LowRankLinear):
                nn.init.normal_(module.up, std=0.2)
                plain[name].weight += module.up @ module.down
                merged += 1
        expected = said(library, embeddings)
        torch.testing.assert_close(tuned(embeddings, MASK)[MASK], expected, rtol=1e-4, atol=1e-5)
    # Query, key, value, output and two of the feed-forward net, in two layers; the pooling head is not read.
    assert merged == 12
    assert not torch.allclose(before, expected, atol=1e-2)


def test_only_biases_and_additions_learn_and_the_rest_is_shared(folder):
    tuned, base = encoder(folder), dict(open_pretrained(folder).module.named_parameters())
    learned = {name for name, parameter in tuned.module.named_parameters() if parameter.requires_grad}
    assert learned == {name for name, _ in tuned.module.named_parameters() if name.endswith((".bias", ".down", ".up"))}
    for name, parameter in tuned.module.named_parameters():
        assert (parameter is base.get(name)) == (name not in learned), name
    assert not tuned.foreign() & {f"module.{name}" for name in learned}
    assert not [module for module in open_pretrained(folder).module.modules() if isinstance(module, LowRankLinear)]


def test_gradients_reach_both_factors():
    layer = LowRankLinear(nn.Linear(5, 4), rank=2).double()
    nn.init.normal_(layer.up)
    weights = [parameter.detach().requires_grad_() for parameter in (layer.down, layer.up)]
    x = torch.randn(3, 5, dtype=torch.float64)

    def mapped(down, up):
        return torch.func.functional_call(layer, {"down": down, "up": up}, (x,))

    assert torch.autograd.gradcheck(mapped, weights)


def test_a_map_without_a_bias_keeps_none():
    stack = nn.Sequential(nn.Linear(3, 2, bias=False), nn.ReLU())
    adapt(stack, 1)
    assert isinstance(stack[0], LowRankLinear)
    assert stack[0].bias is None
    assert stack(torch.ones(1, 3)).shape == (1, 2)


def test_a_tuned_classifier_is_written_and_read_back(folder, tmp_path):
    before = {name: value.clone() for name, value in open_pretrained(folder).module.state_dict().items()}
    options = {"base": folder, "tune": "low_rank", "rank": 2}
    recipe = Recipe("toy", "pretrained", "attention", encoder_options=options, epochs=2, max_tokens=20, lr=1e-2,
                    tune_vectors=False)  # fmt: skip
    trained = train(recipe, toy())
    card = publish(tmp_path, recipe, toy(), trained)
    loaded = load_classifier("toy/pretrained/attention", tmp_path)
    ups = [value for name, value in loaded.encoder.state_dict().items() if name.endswith(".up")]
    assert len(ups) == 12
    assert all(bool(up.any()) for up in ups)
    assert card.record["weights"]["bytes"] < 30_000
    ids, mask = torch.tensor([[2, 5, 9, 3]]), torch.ones(1, 4, dtype=torch.bool)
    with torch.no_grad():
        torch.testing.assert_close(loaded(ids, mask), trained.classifier(ids, mask), rtol=1e-2, atol=1e-2)
    for name, value in open_pretrained(folder).module.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("rank", [0, -1])
def test_a_rank_below_one_is_refused(folder, rank):
    with pytest.raises(PoolScopeError, match=f"rank of pretrained came as {rank}; expected 1 or more"):
        PretrainedEncoder(8, base=folder, tune="low_rank", rank=rank)


def test_the_addition_may_be_multiplied_in_half_the_bits():
    torch.manual_seed(0)
    layer = LowRankLinear(nn.Linear(16, 12), rank=2)
    nn.init.normal_(layer.up)
    states = torch.randn(3, 5, 16)
    exact = layer(states)
    with torch.autocast("cpu", torch.bfloat16):
        half = layer(states)
    assert half.dtype == torch.bfloat16
    half.float().sum().backward()
    assert layer.up.grad is not None
    # Eight bits of fraction, sums of 16 products.
    torch.testing.assert_close(half.float(), exact, rtol=2**-5, atol=0.1)
