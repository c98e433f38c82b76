"""A long method tells how far it has come, and stops between two chunks, leaving the account as it was."""

from __future__ import annotations

import pytest
import torch
from tiny_classifiers import TEXT, ids_of, tiny

from models.attribution import METHODS
from models.attribution.ledger import Ledger
from models.attribution.progress import CancelledError, Progress
from models.attribution.reading import Reading

CHUNKED = ("leave_one_out", "shapley_sampling", "kernel_shap", "lime", "integrated_gradients", "expected_gradients",
           "smooth_grad")  # fmt: skip
LONG = " ".join([TEXT] * 40)


def reading(text=TEXT, pooler="attention") -> Reading:
    classifier = tiny("bilstm", pooler)
    return Reading(classifier, ids_of(classifier, text))


class Counted(Progress):
    """Remembers every chunk, and stops before chunk ``last``."""

    def __init__(self, last=10**9):
        super().__init__()
        self.chunks, self.last = [], last

    def __call__(self, coming):
        if len(self.chunks) == self.last:
            self.stop()
        super().__call__(coming)
        self.chunks.append(coming)


@pytest.mark.parametrize("name", CHUNKED)
def test_what_is_told_is_what_is_counted_and_within_what_is_declared(name):
    read, progress = reading(), Counted()
    method = METHODS[name]()
    progress.follow(read, method.most_forwards(len(read.units)))
    scores = method(read, 0)
    assert progress.step.begun == sum(progress.chunks)
    # The start of a path, one pass, is no chunk; texts that had been read take no chunk either.
    assert 0 <= scores.forwards - scores.reused - progress.step.begun <= 8
    assert 0 < progress.step.begun <= progress.step.most
    assert 0 < progress.step.part <= 1


@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize("text", [TEXT, " ".join(TEXT.split()[:3]), TEXT.split()[0]])
def test_no_method_reads_more_than_it_declares(name, text):
    for encoder in ("bilstm", "transformer"):
        classifier = tiny(encoder, "attention")
        read = Reading(classifier, ids_of(classifier, text))
        method = METHODS[name]()
        assert method(read, 1).forwards <= method.most_forwards(len(read.units))


@pytest.mark.parametrize("name", CHUNKED)
@pytest.mark.parametrize("last", [0, 1])
def test_a_stopped_method_raises_and_does_not_go_on(name, last):
    # A maximum bends the path, so that one chunk of its points is not enough.
    read, progress = reading(LONG, "max" if name == "integrated_gradients" else "attention"), Counted(last)
    progress.follow(read, 0)
    with pytest.raises(CancelledError, match="Stopped before it was finished"):
        METHODS[name](**({"tolerance": 0.001} if name == "integrated_gradients" else {}))(read, 0)
    assert len(progress.chunks) == last
    assert progress.step.part == 0


@pytest.mark.parametrize("name", sorted(METHODS))
def test_no_more_than_a_chunk_is_read_between_two_pauses(name, monkeypatch):
    """So that whoever waits for a turn, or for a stop, waits for that and no longer, however much is asked for."""
    classifier, settings = tiny("transformer", "max"), METHODS[name].Params.__dataclass_fields__
    text = " ".join([TEXT] * (9 if name == "attention_flow" else 40))
    wanted = {"samples": 10, "permutations": 4, "budget": 64, "tolerance": 0.1}
    read, stretches, encode = Reading(classifier, ids_of(classifier, text)), [0], classifier.encoder.encode

    def watched(embeddings, mask):
        stretches[-1] += embeddings.shape[0] * embeddings.shape[1]
        return encode(embeddings, mask)

    monkeypatch.setattr(classifier.encoder, "encode", watched)
    read.ledger.between = lambda coming: stretches.append(0)
    METHODS[name](**{key: value for key, value in wanted.items() if key in settings})(read, 1)
    # The plain text, with its graph or its layers, may be read once beside a chunk.
    assert max(stretches) <= (8 + 1) * len(read)
    if name in CHUNKED:
        assert sum(stretches) > 9 * len(read)


def test_a_stopped_ledger_keeps_its_finished_chunks_and_can_be_asked_again():
    classifier = tiny("cnn", "max")
    ids = ids_of(classifier, LONG)
    rows = [(*ids[:i], *ids[i + 1 :]) for i in range(len(ids))]
    whole = Ledger(classifier)
    expected = whole.logits(rows)
    ledger = Ledger(classifier)
    ledger.between = progress = Counted(2)
    with pytest.raises(CancelledError):
        ledger.logits(rows)
    assert len(ledger) == ledger.forwards == sum(progress.chunks) > 0
    ledger.between = None
    torch.testing.assert_close(ledger.logits(rows), expected, rtol=0, atol=1e-5)
    assert ledger.forwards == whole.forwards


def test_others_get_their_turn_ahead_of_every_chunk():
    turns = []
    progress = Progress(lambda: turns.append(progress.step.begun))
    progress(3)
    progress(4)
    assert turns == [0, 3]
    progress.stop()
    with pytest.raises(CancelledError):
        progress(1)
    assert turns == [0, 3]
