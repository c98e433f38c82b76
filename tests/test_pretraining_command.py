"""``python -m models pretrain`` from a folder of texts to a base, and the bases that are shipped."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import torch
from toy_corpus import dataset

from models.__main__ import main
from models.encoders import ENCODERS
from models.pretraining.kinds import KINDS
from models.pretraining.plan import Plan
from models.pretraining.store import SHIPPED, bases, open_base

TINY = [
    "--size", "width=8", "--epochs", "1", "--batch-words", "128", "--length", "32", "--held-out", "8", "--warmup", "2",
]  # fmt: skip
STACK = ["--size", "layers=1", "--size", "heads=2", "--size", "ffn=12"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    home = tmp_path / "data" / "toy"
    home.mkdir(parents=True)
    for name, split in dataset().splits.items():
        pd.DataFrame({"text": split.texts, "label": split.labels}).to_parquet(home / f"{name}.parquet")
    card = {"name": "toy", "task": "toy", "language": "en", "labels": ["a", "b"]}
    (home / "card.json").write_text(json.dumps(card))
    monkeypatch.setenv("POOLSCOPE_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_texts_become_a_base_that_an_encoder_runs(kind, folder, capsys):
    sizes = ["--size", "filters=3"] if kind == "elmo_like" else STACK
    command = ["pretrain", kind, "--dataset", "toy:20", *TINY, *sizes, "--work", str(folder / "work")]
    assert main([*command, "--out", str(folder / "out"), "--name", "mine"]) == 0
    said = capsys.readouterr().out
    assert "toy" in said.splitlines()[-2]
    assert "perplexity" in said.splitlines()[-2]
    base = open_base(str(folder / "out" / "mine"))
    assert base.card["name"] == "mine"
    assert base.card["data"]["parts"][0]["rows"] == 20
    assert Plan.from_dict(base.card["plan"]).epochs == 1
    encoder = ENCODERS[kind](8, base=str(folder / "out" / "mine"))
    states = encoder(base.table[torch.tensor([[2, 3]])], torch.ones(1, 2, dtype=torch.bool))
    assert states.shape == (1, 2, encoder.state_size)
    # The same command again finds the run finished.
    assert main([*command, "--out", str(folder / "again")]) == 0
    assert '"epoch"' not in capsys.readouterr().out
    assert (folder / "again" / kind / "words.txt").read_bytes() == (folder / "out" / "mine" / "words.txt").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dataset", "toy:many"], "The data set 'toy:many' came; expected NAME or NAME:ROWS"),
        (["--dataset", "toy", "--epochs", "0"], "epochs came as 0; expected 1 or more"),
        (["--dataset", "toy", "--size", "heads"], "'heads' came; expected"),
        (["--dataset", "toy", "--size", "colour=1"], "gpt_like: a size does not fit"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments, sentence, folder, capsys):
    assert main(["pretrain", "gpt_like", *arguments, "--out", str(folder)]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", bases())
def test_a_shipped_base_is_whole_small_and_says_what_it_is(name):
    base = open_base(name)
    files = list((SHIPPED / name).iterdir())
    assert {path.name for path in files} == {"weights.safetensors", "words.txt", "card.json"}
    assert all(path.stat().st_size < 4 * 2**20 for path in files)
    assert base.name == base.kind == name
    assert base.card["held_out"]["meaning"] == KINDS[name].measure
    assert set(base.card["held_out"]["scores"]) == {part["name"] for part in base.card["data"]["parts"]}
    for data, scores in base.card["held_out"]["scores"].items():
        floor = base.card["held_out"]["frequency_perplexity"][data]
        assert all(1 < part["perplexity"] < 0.5 * floor for part in scores.values() if "perplexity" in part)
    encoder = ENCODERS[name](base.table.shape[1])
    assert encoder.foreign()
    states = encoder(base.table[torch.tensor([[2, 3, 4]])], torch.ones(1, 3, dtype=torch.bool))
    assert bool(states.isfinite().all())


def test_all_shipped_bases_together_are_small():
    assert sum(path.stat().st_size for path in SHIPPED.glob("*/*")) <= 9 * 2**20
