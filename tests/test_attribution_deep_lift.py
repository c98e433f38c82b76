"""DeepLIFT against Captum's on the same functions made of modules, and where it refuses."""

from __future__ import annotations

import pytest
import torch
from captum.attr import DeepLift, InputXGradient
from captum.testing.helpers.basic_models import ReLULinearModel
from tiny_classifiers import ids_of, tiny
from torch import nn
from torch.nn import functional as F

from models.attribution import METHODS
from models.attribution.deep_lift import ENCODERS, POOLERS
from models.attribution.reading import Reading
from models.attribution.rescale import Rescaling
from models.attribution.target import Target
from models.encoders import ENCODERS as ALL_ENCODERS
from models.poolers import POOLERS as ALL_POOLERS

TARGET = 2
close = dict(rtol=1e-6, atol=1e-9)


class Twin(nn.Module):
    """The classifier once more, every bend and every maximum a module, as Captum needs it."""

    def __init__(self, classifier, length):
        super().__init__()
        self.original, self.pooler = classifier, classifier.pooler.name
        self.bend = nn.Tanh() if classifier.encoder.name == "embedding" else nn.ReLU()
        self.top = nn.MaxPool1d(length)

    def forward(self, embeddings):
        encoder = self.original.encoder
        if encoder.name == "embedding":
            states = self.bend(encoder.project(embeddings))
        else:
            signal = embeddings.transpose(1, 2)
            windows = [
                F.conv1d(F.pad(signal, ((width - 1) // 2, width // 2)), conv.weight, conv.bias)
                for conv, width in zip(encoder.convolutions, encoder.widths, strict=True)
            ]
            states = self.bend(torch.cat(windows, 1)).transpose(1, 2)
        if self.pooler == "max":
            pooled = self.top(states.transpose(1, 2)).squeeze(-1)
        else:
            pooled = {"mean": states.mean(1), "cls": states[:, 0], "last": states[:, -1]}[self.pooler]
        return F.linear(pooled, self.original.head.weight, self.original.head.bias)


def reading_of(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    # A bias that bends both ways: without one, tanh and ReLU at the baseline would be special.
    classifier.head.bias.copy_(torch.tensor([0.3, -0.2, 0.7]))
    return classifier, Reading(classifier, ids_of(classifier))


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")
@pytest.mark.parametrize("encoder", [e for e in ENCODERS if e != "ngram"])
@pytest.mark.parametrize("pooler", POOLERS)
def test_it_is_captums(encoder, pooler):
    classifier, reading = reading_of(encoder, pooler)
    twin = Twin(classifier, len(reading))
    torch.testing.assert_close(twin(reading.embeddings), reading.logits)
    captum = DeepLift(twin).attribute(reading.embeddings, torch.zeros_like(reading.embeddings), target=TARGET)
    scores = METHODS["deep_lift"]()(reading, TARGET)
    torch.testing.assert_close(torch.tensor(scores.values).double(), captum[0].sum(-1).detach(), **close)
    assert scores.delta == pytest.approx(0, abs=1e-9)
    start = classifier.from_embeddings(torch.zeros_like(reading.embeddings), reading.mask)[0, TARGET]
    assert scores.change == pytest.approx(reading.value(TARGET) - float(start))
    # It is no gradient in disguise.
    gradient = InputXGradient(twin).attribute(reading.embeddings, target=TARGET)[0].sum(-1).detach()
    assert float((gradient - captum[0].sum(-1)).abs().max()) > 1e-3


def test_where_nothing_bends_it_is_the_gradient_times_the_input():
    """N-grams go into the sum as they come, so that with mean pooling the whole classifier is linear."""
    _, reading = reading_of("ngram", "mean")
    scores = METHODS["deep_lift"]()(reading, TARGET)
    values = METHODS["input_gradient"]()(reading, TARGET).values
    torch.testing.assert_close(torch.tensor(scores.values), torch.tensor(values), **close)
    assert scores.delta == pytest.approx(0, abs=1e-9)


def test_a_contrast_is_handed_back_in_one_pass():
    _, reading = reading_of("cnn", "max")
    method = METHODS["deep_lift"]()
    first, second, both = (torch.tensor(method(reading, t).values) for t in (0, 1, Target(0, against=1)))
    torch.testing.assert_close(both, first - second)


def test_on_a_linear_classifier_the_parts_are_its_terms():
    classifier = tiny("identity", "mean", double=True)
    reading = Reading(classifier, ids_of(classifier))
    found = METHODS["deep_lift"]().attribute(reading, Target(TARGET))
    expected = reading.embeddings[0] @ classifier.head.weight[TARGET] / len(reading)
    torch.testing.assert_close(torch.tensor(found.values).double(), expected, **close)


def test_a_relu_by_hand_and_as_captum_does_it():
    # relu of x − 1 between x = 3 and x' = 0: the output moves by 2 over 3, though the slope at 3 is 1.
    x = torch.tensor([[3.0], [0.0]], requires_grad=True)
    with Rescaling():
        out = torch.relu(x - 1)
    assert torch.autograd.grad(out[0, 0], x)[0].flatten().tolist() == pytest.approx([2 / 3, 0.0])
    model = ReLULinearModel()
    point = torch.tensor([[-1.0, 0.0, 0.0]]), torch.tensor([[1.0, 2.0, 0.0]])
    expected = torch.cat(DeepLift(model).attribute(point, tuple(map(torch.zeros_like, point))), 1)[0]

    def written(rows):
        hidden = torch.cat([model.l1(rows[:, :3]), model.l2(rows[:, 3:])], 1)
        return model.l3(torch.relu(hidden))

    rows = torch.cat([torch.cat(point, 1), torch.zeros(1, 6)]).requires_grad_()
    with Rescaling():
        out = written(rows)
    (slopes,) = torch.autograd.grad(out[0, 0], rows)
    torch.testing.assert_close((rows[0] * slopes[0]).detach(), expected.detach())


@pytest.mark.parametrize(("mine", "theirs"), [([1.0, 4.0, 2.0], [3.0, 0.0, 1.0]), ([1.0, 0.5, 2.0], [5.0, 0.0, 1.0])])
def test_a_maximum_hands_its_change_to_the_winner_of_the_larger_side(mine, theirs):
    h = torch.tensor([mine, theirs]).unsqueeze(-1).requires_grad_()
    with Rescaling():
        top = h.amax(1)
    (slopes,) = torch.autograd.grad(top[0, 0], h)
    parts = ((h[0] - h[1]) * slopes[0]).flatten().tolist()
    place = mine.index(max(mine)) if max(mine) > max(theirs) else theirs.index(max(theirs))
    assert parts == pytest.approx([max(mine) - max(theirs) if i == place else 0.0 for i in range(3)])


def test_nothing_bends_outside():
    x = torch.tensor([[3.0], [0.0]], requires_grad=True)
    with Rescaling():
        torch.relu(x)
    assert torch.autograd.grad(torch.relu(x - 1)[0, 0], x)[0].flatten().tolist() == [1.0, 0.0]


@pytest.mark.parametrize("encoder", [e for e in ALL_ENCODERS if e not in (*ENCODERS, "pretrained")])
def test_encoders_that_multiply_what_changes_are_refused(encoder):
    reason = METHODS["deep_lift"]().why_not(tiny(encoder, "mean"))
    assert "encoder, which multiply what changes." in reason


@pytest.mark.parametrize("pooler", [p for p in ALL_POOLERS if p not in POOLERS])
def test_poolers_without_a_rule_are_refused(pooler):
    classifier = tiny("cnn", pooler)
    reason = METHODS["deep_lift"]().why_not(classifier)
    assert reason.startswith(f"DeepLIFT has no rule for {classifier.pooler.title} pooling, ")


@pytest.mark.parametrize(("encoder", "pooler"), [("cnn", "attention"), ("bilstm", "mean")])
def test_the_refusal_is_true(encoder, pooler):
    """Were it applied all the same, the parts would miss the change by more than a tenth."""
    _, reading = reading_of(encoder, pooler)
    scores = METHODS["deep_lift"]().attribute(reading, Target(TARGET))
    assert abs(scores.delta) > 0.1 * abs(scores.change)
