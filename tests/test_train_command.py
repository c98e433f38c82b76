"""``python -m models train``: from a file of one's own to a classifier that loads, in one command."""

from __future__ import annotations

import csv
import gzip
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from toy_data import PLAIN, toy

from models.__main__ import main
from models.commands.train import pick_device
from models.records import Request
from models.zoo.catalogue import catalogue
from models.zoo.store import load_classifier

COMMON = "--encoder cnn --pooler apln --embedding-size 8 --lr 0.02 --p-lr 0.03 --device cpu"
SMALL = f"{COMMON} --epochs 6 --patience 6 --batch-size 16".split()
SLOW = f"{COMMON} --epochs 90 --patience 90 --batch-size 4".split()


@pytest.fixture
def own_file(tmp_path):
    """A CSV of the toy, its columns named as nobody would guess."""
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["what they wrote", "stars"])
        for split in toy(train=160).splits.values():
            writer.writerows(zip(split.texts, (("bad", "good")[label] for label in split.labels), strict=True))
    return path


def command(path, out, *more):
    columns = ["--text-column", "what they wrote", "--label-column", "stars"]
    return ["train", "--dataset", str(path), *columns, "--out", str(out), "--encoder-option", "filters=6", *more]


def test_one_command_from_file_to_classifier(own_file, tmp_path, capsys):
    out = tmp_path / "runs"
    options = ["--pooler-option", "reading=B", "--pooler-option", "limit=sigmoid", "--probe", "the film was great"]
    assert main(command(own_file, out, *SMALL, *options)) == 0
    said = capsys.readouterr()
    (card,) = catalogue(out)
    assert card.spec.id == "reviews/cnn/apln"
    assert card.spec.labels == ("bad", "good")
    record = card.record
    assert record["recipe"]["pooler_options"] == {"reading": "B", "limit": "sigmoid"}
    assert (record["recipe"]["epochs"], record["recipe"]["lr"], record["recipe"]["p_lr"]) == (6, 0.02, 0.03)
    assert record["metrics"]["test"]["accuracy"] >= 0.9
    assert len(record["history"]) == 6
    assert [len(epoch["probes"][0]["attention"]) for epoch in record["history"]] == [4] * 6
    (p,) = card.learned
    assert p.initial == (1.0,)
    assert p.values == pytest.approx(load_classifier(card.spec.id, out).pooler.exponent.tolist(), abs=1e-4)
    printed = dict(re.findall(r"^(\w+) +accuracy (\d\.\d{4})", said.out, re.MULTILINE))
    assert set(printed) == {"validation", "test"}
    assert f"wrote {card.path}" in said.out
    assert len(re.findall(r"epoch \d: loss \d\.\d{4}  dev \d\.\d{4}  p \[", said.err)) == 6
    assert not (out / "reviews" / "unfinished" / "reviews-cnn-apln").exists()


def test_what_was_written_reads_texts(own_file, tmp_path):
    from models.analysis import analyse

    assert main(command(own_file, tmp_path / "runs", *SMALL)) == 0
    classifier = load_classifier("reviews/cnn/apln", tmp_path / "runs")
    for text, label in (("The film was GREAT", "good"), ("a dull plot", "bad")):
        assert analyse(classifier, Request(text)).prediction.label == label
    assert set(PLAIN) <= set(classifier.vocabulary.words)


@pytest.mark.parametrize("kind", ["glove.txt", "packed.vec.gz", "word2vec.bin"])
def test_own_vectors_are_laid_under_the_words_that_have_one(own_file, tmp_path, capsys, kind):
    words = ["film", "great", "dull", "plot", "never-seen"]
    numbers = np.random.default_rng(1).standard_normal((5, 12)).astype(np.float16).astype(np.float32)
    text = "".join(f"{w} {' '.join(map(str, v.tolist()))}\n" for w, v in zip(words, numbers, strict=True)).encode()
    contents = {
        "glove.txt": text,
        "packed.vec.gz": gzip.compress(b"5 12\n" + text),
        "word2vec.bin": b"5 12\n"
        + b"".join(w.encode() + b" " + v.tobytes() for w, v in zip(words, numbers, strict=True)),
    }
    path = tmp_path / kind
    path.write_bytes(contents[kind])
    out = tmp_path / "runs"
    assert main(command(own_file, out, *SMALL, "--vectors", str(path), "--freeze-vectors")) == 0
    # 14 words make up the toy's texts; four of them have a vector.
    assert f"vectors     28.6% of 14 words found in {kind}" in capsys.readouterr().out
    (card,) = catalogue(out)
    assert card.record["vectors"] == {"file": kind, "found": 0.2857}
    assert card.record["embedding_size"] == 12
    classifier = load_classifier(card.spec.id, out)
    for word, vector in zip(words[:4], numbers, strict=False):
        (row,) = classifier.vocabulary.encode([word])
        assert classifier.table.weight[row].tolist() == vector.tolist()


def test_a_card_without_own_vectors_says_nothing_of_them(own_file, tmp_path):
    assert main(command(own_file, tmp_path / "runs", *SMALL)) == 0
    assert "vectors" not in catalogue(tmp_path / "runs")[0].record


def test_vectors_of_another_language_are_refused(own_file, tmp_path, capsys):
    (tmp_path / "zh.vec").write_text("电影 1 2\n好 3 4\n", encoding="utf-8")
    assert main(command(own_file, tmp_path / "runs", *SMALL, "--vectors", str(tmp_path / "zh.vec"))) == 2
    assert capsys.readouterr().err.strip() == (
        "error: zh.vec has none of the 14 words of the training texts; expected vectors of their language: "
        "name another file"
    )


def test_a_process_that_is_killed_goes_on(own_file, tmp_path, root):
    """A real SIGKILL after the second epoch; the second call must not repeat what was done."""
    out = tmp_path / "runs"
    line = [sys.executable, "-m", "models", *command(own_file, out, *SLOW)]
    state = out / "reviews" / "unfinished" / "reviews-cnn-apln" / "progress.json"
    process = subprocess.Popen(line, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not (state.exists() and '"epoch": 2' in state.read_text()) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = subprocess.Popen(line, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        first = next(found for text in again.stderr if (found := re.search(r"epoch (\d+): loss", text)))
    finally:
        again.kill()
        again.wait()
    assert int(first[1]) >= 3


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--pooler-option", "reading"], "the option 'reading' came; expected NAME=VALUE, such as reading=B"),
        (["--pooler-option", "=B"], "the option '=B' came; expected NAME=VALUE"),
        (["--pooler-option", "reading=Q"], "unknown reading 'Q' of apln; choose one of: A, B, C"),
        (["--pooler-option", "p_initial=0"], "p starts at 0; expected a finite number above 0.05"),
        (["--encoder-option", "filter=9"], "cnn: an option does not fit"),
        (["--encoder-option", "filters=9"], "encoder_options give filters twice; expected each option once"),
        (["--dropout", "1.5"], "dropout came as 1.5; expected 0 ≤ dropout < 1"),
        (["--label", "a/b"], "label came as 'a/b'; expected a name without slashes"),
        (["--vectors", "gone.txt"], "no vector file at gone.txt"),
        (["--vectors", "pyproject.toml"], "pyproject.toml, line 1: '# Settings of the tools; PoolScope"),
        (["--device", "toaster"], "device 'toaster' cannot be used"),
        (["--label-column", "colour"], "colour"),
        (["--dataset", "gone.csv"], "gone.csv"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_status_two(own_file, tmp_path, capsys, more, sentence):
    assert main(command(own_file, tmp_path / "runs", *SMALL, *more)) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: ")
    assert sentence in said
    assert "\n" not in said
    assert catalogue(tmp_path / "runs") == ()


def test_the_device_is_chosen_from_what_there_is(monkeypatch):
    import torch

    assert pick_device("cpu").type == "cpu"
    for cuda, mps, chosen in ((True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        assert pick_device(None).type == chosen
