"""SmoothGrad, expected gradients and the baselines of integrated gradients, each against Captum and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from captum.attr import GradientShap, IntegratedGradients, NoiseTunnel, Saliency
from captum.testing.helpers.basic_models import BasicModel2
from tiny_classifiers import TEXT, ids_of, tiny

from models.attribution import METHODS, starts
from models.attribution import expected_gradients as paths
from models.attribution import smooth_grad as smooth
from models.attribution.ledger import Ledger
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.text import PAD, UNK

TARGET = 1
CASES = [("bilstm", "attention"), ("cnn", "max"), ("embedding", "apln"), ("transformer", "structured")]
case = pytest.mark.parametrize(("encoder", "pooler"), CASES)
close = dict(rtol=1e-4, atol=1e-6)


def reading_of(encoder, pooler, **options):
    classifier = tiny(encoder, pooler, **options)
    return classifier, Reading(classifier, ids_of(classifier))


def forward(classifier, reading):
    return lambda e: classifier.from_embeddings(e, reading.mask.expand(len(e), -1))


def tensor(scores):
    return torch.tensor(scores.values, dtype=torch.float64)


@case
def test_smooth_grad_is_the_length_of_the_mean_of_captums_gradients(encoder, pooler):
    classifier, reading = reading_of(encoder, pooler)
    method = METHODS["smooth_grad"](samples=6, noise=0.2, seed=3)
    points = reading.embeddings + smooth._noise(reading, method.params)
    spread = (points - reading.embeddings).std() / (reading.embeddings.max() - reading.embeddings.min())
    assert float(spread) == pytest.approx(0.2, rel=0.15)
    gradients = Saliency(forward(classifier, reading)).attribute(points, TARGET, abs=False)
    scores = method(reading, TARGET)
    torch.testing.assert_close(tensor(scores), gradients.mean(0).norm(dim=-1).double(), **close)
    assert scores.forwards == 6


@case
def test_many_copies_meet_captums_noise_tunnel(encoder, pooler):
    classifier, reading = reading_of(encoder, pooler)
    sigma = 0.05 * float(reading.embeddings.max() - reading.embeddings.min())
    torch.manual_seed(0)
    tunnel = NoiseTunnel(Saliency(forward(classifier, reading)))
    expected = tunnel.attribute(reading.embeddings, target=TARGET, nt_samples=400, stdevs=sigma, abs=False)
    expected = expected[0].norm(dim=-1).double()
    found = tensor(METHODS["smooth_grad"](samples=256, noise=0.05)(reading, TARGET))
    torch.testing.assert_close(found, expected, rtol=0, atol=0.1 * float(expected.max()))
    # Noise does change this map: without it the two would meet whatever the noise was.
    plain = tensor(METHODS["saliency"]()(reading, TARGET))
    assert float((plain - found).abs().max()) > 1e-4


def test_without_noise_and_on_a_linear_classifier_smooth_grad_is_saliency():
    _, reading = reading_of("bilstm", "apln")
    silent = METHODS["smooth_grad"](noise=0.0)(reading, TARGET)
    torch.testing.assert_close(tensor(silent), tensor(METHODS["saliency"]()(reading, TARGET)), **close)
    classifier, reading = reading_of("identity", "mean", double=True)
    expected = classifier.head.weight[TARGET].norm().expand(len(reading)) / len(reading)
    torch.testing.assert_close(tensor(METHODS["smooth_grad"]()(reading, TARGET)), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["smooth_grad", "expected_gradients"])
def test_a_seed_is_a_draw(name):
    _, reading = reading_of("bilstm", "attention")
    first, again, other = (METHODS[name](seed=seed)(reading, TARGET).values for seed in (1, 1, 2))
    assert first == again != other


def test_random_texts_are_words_of_the_vocabulary_but_never_padding():
    classifier = tiny("embedding", "mean")
    rows = {tuple(row.tolist()): i for i, row in enumerate(classifier.table.weight)}
    drawn = starts.random_texts(Reading(classifier, ids_of(classifier)), 200, seed=0)
    ids = [rows[tuple(vector.tolist())] for vector in drawn.flatten(0, 1)]
    counts = torch.bincount(torch.tensor(ids), minlength=len(rows))
    assert counts[PAD] == 0
    expected = len(ids) / (len(rows) - 1)
    # Even: every other word near its expected count (about 100 ± 10).
    assert counts[1:].sub(expected).abs().max() < 5 * math.sqrt(expected)


def test_the_encoders_own_tokens_keep_their_places():
    classifier = tiny("embedding", "mean")
    reading = Reading(classifier, [2, 5, 6, 3], owners=[-1, 0, 0, -1])
    for made in (starts.random_texts(reading, 3, 0), *(starts.start(reading, k) for k in ("pad", "mean", "unknown"))):
        assert torch.equal(made[:, [0, 3]], reading.embeddings[:, [0, 3]].expand(len(made), -1, -1))
        assert not torch.isclose(made[:, 1:3], reading.embeddings[:, 1:3]).all(-1).any()
    assert not starts.start(reading, "zero").any()


@case
def test_expected_gradients_are_the_mean_of_captums_paths(encoder, pooler):
    classifier, reading = reading_of(encoder, pooler)
    origins = starts.random_texts(reading, 5, seed=4)
    captum = IntegratedGradients(forward(classifier, reading))
    each = [
        captum.attribute(reading.embeddings, baselines=origin.unsqueeze(0), target=TARGET, n_steps=16)[0].sum(-1)
        for origin in origins
    ]
    found = paths.integrate(reading, TARGET, 16, origins)
    torch.testing.assert_close(found, torch.stack(each).mean(0), **close)


@case
def test_gradient_shap_samples_what_expected_gradients_integrate(encoder, pooler):
    classifier, reading = reading_of(encoder, pooler)
    method = METHODS["expected_gradients"](samples=4, seed=7, tolerance=0.001)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002  # Captum draws the baselines from the global generator
    shap = GradientShap(forward(classifier, reading))
    origins = starts.random_texts(reading, 4, seed=7)
    expected = shap.attribute(reading.embeddings, origins, n_samples=3000, stdevs=0.0, target=TARGET)
    expected = expected[0].sum(-1).double()
    found = tensor(method(reading, TARGET))
    torch.testing.assert_close(found, expected, rtol=0, atol=0.06 * float(expected.abs().max()))


def test_expected_gradients_say_where_they_start_and_how_sure_that_is():
    classifier, reading = reading_of("bilstm", "attention")
    scores = METHODS["expected_gradients"](samples=6, seed=2)(reading, TARGET)
    origins = starts.random_texts(reading, 6, seed=2)
    logits = forward(classifier, reading)(origins)[:, TARGET].double()
    assert scores.change == pytest.approx(reading.value(TARGET) - float(logits.mean()), abs=1e-6)
    error = float(logits.std()) / math.sqrt(6)
    assert scores.baseline == (
        f"6 texts of words drawn from the vocabulary, seed 2: their logit is {float(logits.mean()):.3f} ± {error:.3f} "
        "on average (standard error)"
    )
    assert abs(scores.delta) <= 0.0505 * float((reading.value(TARGET) - logits).abs().mean())
    assert scores.forwards % 6 == 0


def test_expected_gradients_of_a_linear_classifier_are_differences_to_the_mean_text():
    classifier, reading = reading_of("identity", "mean", double=True)
    origins = starts.random_texts(reading, 8, seed=1)
    expected = (reading.embeddings[0] - origins.mean(0)) @ classifier.head.weight[TARGET] / len(reading)
    torch.testing.assert_close(
        tensor(METHODS["expected_gradients"]()(reading, TARGET)), expected, rtol=1e-6, atol=1e-8
    )


def test_many_paths_on_a_long_text_are_read_in_bounded_batches(monkeypatch):
    classifier = tiny("embedding", "attention")
    rows = []
    read = type(classifier).from_embeddings

    def counting(self, embeddings, *args):
        rows.append(embeddings.shape[0] * embeddings.shape[1])
        return read(self, embeddings, *args)

    reading = Reading(classifier, list(ids_of(classifier, f"{TEXT} " * 30)))
    monkeypatch.setattr(type(classifier), "from_embeddings", counting)
    paths.integrate(reading, TARGET, 2, starts.random_texts(reading, 24, 0))
    METHODS["smooth_grad"](samples=24)(reading, TARGET)
    assert len(reading) == 390
    assert max(rows) <= 4096


@case
@pytest.mark.parametrize("kind", starts.KINDS)
def test_every_baseline_is_captums_path_from_there(encoder, pooler, kind):
    classifier, reading = reading_of(encoder, pooler)
    table = classifier.table.weight
    vector = {"zero": 0 * table[0], "pad": table[PAD], "mean": table[1:].mean(0), "unknown": table[UNK]}[kind]
    origin = vector.expand_as(reading.embeddings)
    captum = IntegratedGradients(forward(classifier, reading))
    scores = METHODS["integrated_gradients"](baseline=kind, tolerance=0.001, max_steps=2048)(reading, TARGET)
    expected = captum.attribute(reading.embeddings, baselines=origin, target=TARGET, n_steps=500)[0].sum(-1).double()
    assert (tensor(scores) - expected).abs().sum() <= 0.01 * expected.abs().sum()
    start = float(forward(classifier, reading)(origin)[0, TARGET])
    assert scores.change == pytest.approx(reading.value(TARGET) - start, abs=1e-6)
    assert scores.baseline == starts.WORDS[kind]


def test_the_choice_of_baseline_changes_the_map():
    _, reading = reading_of("bilstm", "attention")
    maps = {kind: METHODS["integrated_gradients"](baseline=kind)(reading, TARGET).values for kind in starts.KINDS}
    # This reader's padding word is the zero vector.
    assert maps["pad"] == pytest.approx(maps["zero"], abs=1e-6)
    assert len({maps["zero"], maps["mean"], maps["unknown"]}) == 3


def test_smooth_and_expected_gradients_of_captums_two_input_model():
    # F(x, y) = relu(relu(x) − 1 − relu(y)) of Sundararajan et al.: at (3, 1) it is 1, locally x − 1 − y.
    model, point = BasicModel2(), torch.tensor([[3.0, 1.0]])
    classifier = tiny("identity", "mean", size=1)
    classifier.from_embeddings = lambda e, mask, weights=None: torch.stack(
        [model(e[:, 0], e[:, 1]).squeeze(-1)] * 3, dim=-1
    )
    classifier.table.weight[2:4, 0] = point[0]
    reading = Reading.__new__(Reading)
    reading.classifier, reading.ids = classifier, torch.tensor([[2, 3]])
    reading.mask, reading.embeddings = torch.ones(1, 2, dtype=torch.bool), point.unsqueeze(-1)
    reading.units, reading.ledger = ((0,), (1,)), Ledger(classifier)
    found = paths.integrate(reading, 0, 256, torch.zeros(1, 2, 1))
    expected = IntegratedGradients(model).attribute((point[:, :1], point[:, 1:]), n_steps=256)
    torch.testing.assert_close(found, torch.cat(expected, 1)[0].to(found), rtol=1e-3, atol=1e-3)
    slopes = METHODS["smooth_grad"](noise=0.01, samples=4).attribute(reading, Target(0))
    assert slopes.values == pytest.approx((1.0, 1.0))
