"""The hub, without a hub: a stand-in for the library, and the real library on a local folder.

What the real hub serves under the ids of ``HUB`` is not tested here: tests have no network.
"""

from __future__ import annotations

import socket
import sys
import time
from types import ModuleType

import pandas as pd
import pytest

from models.data import DataError, load
from models.data.connection import reachable
from models.data.hub import HUB, load_hub


class FakeLabel:
    def __init__(self, *names):
        self.names = list(names)


class FakeSplit:
    def __init__(self, features=None, **columns):
        self.columns = columns
        self.column_names = list(columns)
        self.features = features or {}

    def __getitem__(self, name):
        return self.columns[name]


def rows(n: int, text="text", labels=2, features=None, start=0) -> FakeSplit:
    texts = [f"text {start + i}" for i in range(n)]
    return FakeSplit(features, **{text: texts, "label": [i % labels for i in range(n)]})


@pytest.fixture
def hub(monkeypatch):
    """A stand-in for the library: ``hub(**splits)`` is what it returns, ``calls`` what was asked."""
    module = ModuleType("datasets")
    module.calls = []
    monkeypatch.setitem(sys.modules, "datasets", module)
    monkeypatch.setattr("models.data.connection.reachable", lambda *_: True)

    def serve(**splits):
        def load_dataset(identity, config=None):
            module.calls.append((identity, config))
            return splits

        module.load_dataset = load_dataset
        return module

    return serve


@pytest.mark.parametrize("name", list(HUB))
def test_our_names_ask_for_their_id_and_column(hub, name):
    source = HUB[name]
    n = len(source.labels)
    module = hub(train=rows(30 * n, source.text, n), validation=rows(n, source.text, n), test=rows(n, source.text, n))
    loaded = load(name, source="hub")

    assert module.calls == [(source.id, None)]
    assert loaded.name == name
    assert loaded.labels == source.labels
    assert {split: len(part) for split, part in loaded.splits.items()} == {
        "train": 30 * n,
        "validation": n,
        "test": n,
    }
    assert loaded.splits["train"].labels[:n] == tuple(range(n))
    assert loaded.card["sources"] == [{"hub": source.id, "config": None}]


def test_hidden_test_labels_are_said_and_the_validation_split_takes_their_place(hub):
    hidden = FakeSplit(sentence=["secret"], label=[-1])
    hub(train=rows(40, "sentence"), validation=rows(6, "sentence", start=100), test=hidden)
    loaded = load_hub("sst2_phrases")

    assert loaded.splits["test"].texts == tuple(f"text {100 + i}" for i in range(6))
    assert len(loaded.splits["validation"]) == 4
    assert len(loaded.splits["train"]) == 36
    assert "test: left out, its labels are hidden (-1)" in loaded.card["processing"]
    assert "test: the validation split of the source" in loaded.card["processing"]
    assert "validation: drawn from train, stratified by label" in loaded.card["processing"]


def test_a_missing_validation_split_is_drawn_and_others_are_ignored(hub):
    hub(train=rows(40), test=rows(10, start=100), unsupervised=FakeSplit(text=["x"], label=[-1]))
    loaded = load_hub("imdb")
    assert {split: len(part) for split, part in loaded.splits.items()} == {
        "train": 36,
        "validation": 4,
        "test": 10,
    }
    assert not set(loaded.splits["train"].texts) & set(loaded.splits["validation"].texts)


def test_any_id_with_its_columns_and_the_publishers_class_names(hub):
    features = {"label": FakeLabel("ham", "spam")}
    module = hub(train=rows(40, "sms", features=features), test=rows(4, "sms", features=features))
    loaded = load_hub("someone/mail", text="sms", config="small", language="de")
    assert module.calls == [("someone/mail", "small")]
    assert loaded.labels == ("ham", "spam")
    assert loaded.language == "de"


def test_labels_without_class_names_are_named_by_their_values(hub):
    split = FakeSplit(text=[f"t{i}" for i in range(20)], stars=[10, 2] * 10)
    hub(train=split, validation=split, test=split)
    assert load_hub("someone/stars", label="stars").labels == ("2", "10")


def test_rows_without_text_are_left_out_and_counted(hub):
    train = FakeSplit(text=["a", "", None, "b"], label=[0, 1, 1, 1])
    hub(train=train, validation=rows(4), test=rows(4))
    loaded = load_hub("someone/thing")
    assert loaded.splits["train"].texts == ("a", "b")
    assert loaded.splits["train"].labels == (0, 1)
    assert "train: 2 rows without text left out" in loaded.card["processing"]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"test": rows(4)}, "no labelled rows in a split called train"),
        ({"train": FakeSplit(text=[], label=[])}, "no labelled rows in a split called train"),
        ({"train": FakeSplit(text=["a"], label=[-1])}, "no labelled rows in a split called train"),
        ({"train": FakeSplit(review=["a"], label=[0])}, "no column 'text'; it has 'review', 'label'"),
        (
            {"train": rows(40, labels=3)},
            r"row 3 of the train split .*imdb carries label 2; expected 0 to 1",
        ),
        ({"train": rows(40, labels=1)}, "only one class"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(hub, splits, message):
    hub(**splits)
    with pytest.raises(DataError, match=message):
        load_hub("imdb")


def test_an_error_of_the_library_is_one_sentence(hub):
    def fail(*_):
        raise FileNotFoundError("Dataset 'x/y' doesn't exist on the Hub\nor cannot be accessed.")

    hub().load_dataset = fail
    with pytest.raises(DataError, match=r"x/y cannot be read from the hub \(Dataset .* on the Hub\)"):
        load_hub("x/y")


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="needs the package datasets, which is not installed: pip install"):
        load_hub("sst2")


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    return int(number)


def test_without_a_network_the_answer_comes_at_once(monkeypatch, hub, closed_port):
    module = hub(train=rows(40))
    monkeypatch.setattr("models.data.connection.reachable", reachable)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    start = time.perf_counter()
    with pytest.raises(DataError, match=r"the hub at http://127\.0\.0\.1:\d+ does not answer"):
        load_hub("sst2")
    assert time.perf_counter() - start < 2
    assert module.calls == []


@pytest.mark.parametrize(("variable", "value"), [("HF_HUB_OFFLINE", "1"), ("http_proxy", "http://127.0.0.1:9")])
def test_a_cache_or_a_proxy_is_not_second_guessed(monkeypatch, hub, closed_port, variable, value):
    module = hub(train=rows(40), test=rows(4))
    monkeypatch.setattr("models.data.connection.reachable", reachable)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv(variable, value)
    assert len(load_hub("imdb").splits["test"]) == 4
    assert len(module.calls) == 1


def test_reachable_waits_no_longer_than_told(monkeypatch, closed_port):
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert reachable(f"http://127.0.0.1:{server.getsockname()[1]}")
    assert not reachable(f"http://127.0.0.1:{closed_port}")

    def hang(*_, **__):
        time.sleep(2)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", hang)
    start = time.perf_counter()
    assert not reachable("http://127.0.0.1", seconds=0.1)
    assert time.perf_counter() - start < 1


def test_the_real_library_reads_a_local_folder(tmp_path, monkeypatch):
    pytest.importorskip("datasets", reason="the package datasets is not installed")
    folder = tmp_path / "mine"
    folder.mkdir()
    for split, n in (("train", 40), ("test", 6)):
        frame = pd.DataFrame({"text": [f"{split} {i}" for i in range(n)], "label": [i % 2 for i in range(n)]})
        frame.to_parquet(folder / f"{split}.parquet")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    loaded = load_hub(str(folder))
    assert {split: len(part) for split, part in loaded.splits.items()} == {
        "train": 36,
        "validation": 4,
        "test": 6,
    }
    assert loaded.splits["test"].texts[0] == "test 0"
    assert loaded.splits["test"].labels == (0, 1, 0, 1, 0, 1)
