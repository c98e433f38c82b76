"""Small classifiers with random weights for tests: real parts, no training, no files."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from models.classifier import PoolingClassifier
from models.encoders import ENCODERS
from models.encoders.base import Encoder
from models.poolers import POOLERS
from models.records import ModelSpec
from models.text import Vocabulary

TEXT = "The film is not bad , but it never quite comes alive ."
OTHER = "A great cast and a good story fails the film that is it"
WORDS = list(dict.fromkeys(f"{TEXT} {OTHER}".lower().split()))
LABELS = ("against", "between", "for")
SMALL = {
    "embedding": {"state_size": 8},
    "cnn": {"filters": 4},
    "bilstm": {"hidden_size": 4},
    "orthogonal_lstm": {"hidden_size": 4},
    "transformer": {"layers": 1, "width": 4, "heads": 2, "ffn": 8},
    "gpt_like": {"base": "none", "layers": 1, "heads": 2, "ffn": 8},
    "elmo_like": {"base": "none"},
    "bert_like": {"base": "none", "layers": 1, "heads": 2, "ffn": 8},
    # As wide as the word vectors, so that every encoder is given embeddings of one width.
    "ngram": {"count": 60, "size": 6},
}
DEEP = {"layers": 3, "heads": 2, "ffn": 8}
EMBEDDING_SIZE = 6
# Methods that follow layers of self-attention, or chords, through the encoder: an LSTM has neither.
NOT_OVER_LSTM = {"attention_flow", "deep_lift", "rollout", "rollout_gradient"}

# A pretrained encoder has its own width and pieces; its tests are in test_pretrained.py.
OWN = tuple(name for name in ENCODERS if name != "pretrained")
# Every pooler over one encoder, and every encoder under three poolers: their product would be thousands of tests.
PAIRS = list(
    dict.fromkeys([*itertools.product(("bilstm",), POOLERS), *itertools.product(OWN, ("max", "attention", "apln"))])
)


class IdentityEncoder(Encoder):
    """h_i = e_i: whatever a pooler does is then seen at the word vectors themselves."""

    name = "identity"
    title = "Identity"
    formula = "h_i = e_i"
    source = "test"
    contextual = False

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
        self.state_size = embedding_size

    def encode(self, embeddings, mask):
        return embeddings


def tiny(encoder="bilstm", pooler="attention", *, seed=1, labels=LABELS, double=False, size=EMBEDDING_SIZE, **options):
    """Return a classifier in eval mode, frozen as the zoo's are, with weights drawn from ``seed``."""
    torch.manual_seed(seed)
    body = IdentityEncoder(size) if encoder == "identity" else ENCODERS[encoder](size, **SMALL.get(encoder, {}))
    head = POOLERS[pooler](body.state_size, **options)
    spec = ModelSpec(f"test/{encoder}/{pooler}", "test", encoder, pooler, seed, "0" * 64, "test", labels)
    classifier = PoolingClassifier(spec, Vocabulary(WORDS), body, head, embedding_size=size, dropout=0.5)
    # Twice, for n-grams must have been seen twice.
    body.collect([classifier.row(text) for text in (TEXT, OTHER)] * 2)
    with torch.no_grad():
        for name, value in classifier.named_parameters():
            # Learned quantities leave their starting values, so that a test sees them act.
            if "pooler" in name:
                value.add_(0.3 * torch.randn_like(value))
        classifier.head.weight.copy_(torch.randn_like(classifier.head.weight))
    if double:
        classifier = classifier.double()
    return classifier.eval().requires_grad_(False)


def deep(encoder, pooler="attention", seed=3):
    """Return a classifier over three layers of self-attention, with weights large enough to tell them apart."""
    torch.manual_seed(seed)
    options = {"width": 8} if encoder == "transformer" else {"base": "none"}
    body = ENCODERS[encoder](EMBEDDING_SIZE, **DEEP, **options)
    spec = ModelSpec(f"t/{encoder}/{pooler}", "test", encoder, pooler, seed, "0" * 64, "test", LABELS)
    head = POOLERS[pooler](body.state_size)
    classifier = PoolingClassifier(spec, Vocabulary(WORDS), body, head, embedding_size=EMBEDDING_SIZE)
    with torch.no_grad():
        for value in classifier.parameters():
            value.add_(0.3 * torch.randn_like(value))
    return classifier.double().eval().requires_grad_(False)


def ids_of(classifier, text=TEXT):
    """Token ids of ``text``."""
    return classifier.read(text).ids


def fingerprint(module: nn.Module):
    """Everything about a module that an analysis must leave alone."""
    state = {name: value.clone() for name, value in module.state_dict().items()}
    flags = [(name, p.requires_grad, p.grad is None) for name, p in module.named_parameters()]
    modes = [m.training for m in module.modules()]
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in module.modules()]
    return state, flags, modes, hooks


def same_fingerprint(left, right) -> bool:
    """Compare two fingerprints to the bit."""
    tensors = left[0].keys() == right[0].keys() and all(torch.equal(left[0][k], right[0][k]) for k in left[0])
    return tensors and left[1:] == right[1:]
