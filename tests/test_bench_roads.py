"""The benchmarks beside Captum, and APLN's forms beside each other, compare like with like."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from captum.attr import IntegratedGradients
from tiny_classifiers import TEXT, ids_of, tiny

from models.attribution.reading import Reading
from models.bench import paths, perturbations, poolers, readers
from models.poolers import POOLERS


@pytest.mark.parametrize("per_call", perturbations.PER_CALL)
def test_both_roads_take_the_same_words_out(per_call):
    bench, classifier = perturbations, tiny("bilstm", "attention")
    ours = bench.ours(classifier, TEXT, "leave_one_out")
    torch.testing.assert_close(bench.theirs(classifier, TEXT, "leave_one_out", per_call), ours, rtol=1e-4, atol=1e-5)
    sampled, theirs = (bench.ours(classifier, TEXT, "shapley_sampling"),
                       bench.theirs(classifier, TEXT, "shapley_sampling", per_call))  # fmt: skip
    # Other orders, the same sum: what all words together do to the logit.
    assert float(theirs.sum()) == pytest.approx(float(sampled.sum()), abs=1e-4)
    assert float(torch.corrcoef(torch.stack([sampled, theirs]))[0, 1]) > 0.8


def test_the_floor_reads_the_very_texts_that_leave_one_out_reads(monkeypatch):
    classifier = tiny("bilstm", "attention")
    read = []
    forward = type(classifier).forward
    monkeypatch.setattr(type(classifier), "forward", lambda self, i, m: read.append(i) or forward(self, i, m))
    perturbations.floor(classifier)(" ".join(TEXT.split()[:12]))
    ids = list(ids_of(classifier, " ".join(TEXT.split()[:12])))
    assert torch.cat(read).tolist() == [ids[:i] + ids[i + 1 :] for i in range(12)]


def test_asked_together_methods_share_what_was_read():
    forwards, reused = perturbations.together(tiny(), TEXT)
    assert forwards > 100
    assert reused >= len(TEXT.split())


def test_captums_path_is_captums_and_its_steps_are_the_least_that_do():
    classifier = tiny("cnn", "max", double=True)
    path = paths.CaptumPath(classifier, TEXT)
    reading = Reading(classifier, ids_of(classifier))
    target = int(reading.logits.argmax())
    captum = IntegratedGradients(lambda e: classifier.from_embeddings(e, reading.mask.expand(len(e), -1)))
    _, delta = captum.attribute(
        reading.embeddings, target=target, n_steps=8, method="gausslegendre", return_convergence_delta=True
    )
    empty = classifier.from_embeddings(torch.zeros_like(reading.embeddings), reading.mask)
    change = float(reading.logits[0, target] - empty[0, target])
    assert path(8) == pytest.approx(abs(float(delta) / change), rel=1e-6)
    least = path.least()
    assert path(least) <= paths.TOLERANCE
    assert all(path(steps) > paths.TOLERANCE for steps in paths.STEPS if steps < least)
    assert path.doubling() >= 16
    error, taken = paths.ours(classifier, TEXT)
    assert error <= paths.TOLERANCE
    assert taken >= 8


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(poolers, "SHAPE", (2, 33, 8))


def test_every_pooler_of_the_registry_is_timed(small):
    rows = poolers.alone(1)
    assert sorted(row[0] for row in rows) == sorted(pooler.title for pooler in POOLERS.values())
    (mean,) = (row for row in rows if row[0] == "Mean")
    assert mean[2] == "1.0"


def test_the_forms_agree_where_nothing_overflows_and_part_where_it_does(small):
    hidden, mask = poolers.states()
    assert poolers.error("pow", 2.0, torch.float32) < 1e-4
    assert poolers.error("log", 2.0, torch.float32) < 1e-4
    assert poolers.lost(poolers.form("log", 60.0, torch.float32), hidden, mask) == 0
    assert poolers.lost(poolers.form("pow", 60.0, torch.float32), hidden, mask) > 0.1
    assert poolers.error("log", 2.0, torch.bfloat16) > poolers.error("log", 2.0, torch.float32)


@pytest.mark.parametrize("p", [0.5, 1.0, 5.0])
def test_in_bf16_the_log_form_is_no_worse_than_the_definition(small, p):
    assert poolers.error("log", p, torch.bfloat16) < 1.5 * poolers.error("pow", p, torch.bfloat16)
    assert poolers.lost(poolers.form("log", 60.0, torch.bfloat16), *poolers.states(torch.bfloat16)) == 0


def test_the_forms_have_a_row_for_every_type_and_exponent(small, monkeypatch):
    monkeypatch.setattr(poolers, "EXPONENTS", (2.0, 60.0))
    rows = poolers.forms(1)
    assert [row[:3] for row in rows] == [["cpu", kind, p] for kind in ("float32", "bf16") for p in ("2", "60")]
    assert all(len(row) == len(poolers.FORMS) for row in rows)
    assert {row[5] for row in rows} == {"0.0%"}
    assert rows[1][6] != "0.0%" != rows[3][6]


def test_readers_together_say_what_each_says_and_send_a_text_once(monkeypatch):
    several = [tiny("transformer", pooler) for pooler in ("mean", "max")]
    several[1].encoder, several[1].table = several[0].encoder, several[0].table
    for digest, classifier in enumerate(several):
        classifier.encoder_digest = "one"
        classifier.spec = dataclasses.replace(classifier.spec, digest=str(digest))
    plain, found = readers.alone(several, TEXT), readers.together(several, TEXT)
    assert [one.forwards for one in found] == [plain[0].forwards, 0]
    assert plain[1].forwards > 100
    for one, other in zip(found, plain, strict=True):
        for made, expected in zip(one.attributions, other.attributions, strict=True):
            assert made.scores == pytest.approx(expected.scores, abs=1e-6)
    monkeypatch.setattr(readers, "classifier_of", lambda encoder, pooler: several[pooler == "max"])
    monkeypatch.setattr(readers, "POOLERS", ("mean", "max"))
    monkeypatch.setattr(readers, "text_of", lambda words: TEXT)
    _, count, _, _, counts, read, apart = readers.row("transformer", 1)
    assert (count, read) == ("2", f"{sum(one.forwards for one in plain):,}")
    assert counts == f"{found[0].forwards:,}, {found[0].reused + found[1].reused:,}"
    assert float(apart) <= 1e-6
