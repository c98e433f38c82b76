"""Building baselines from a data set, their files and cards, and files that were tampered with."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load, save
from toy_bags import toy_bags

from models.baselines.build import build
from models.baselines.catalogue import Best, below_baseline, best_baseline, read_card, scores, tasks
from models.baselines.kinds import BASELINES
from models.baselines.store import load_baseline
from models.zoo.errors import ZooError


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("baselines")
    said = []
    build("toy", ("toy",), lambda _: toy_bags(), folder=folder, limit=30, say=said.append)
    return folder, said


@pytest.fixture
def copy(built, tmp_path):
    for file in (built[0] / "toy").iterdir():
        (tmp_path / "toy").mkdir(exist_ok=True)
        (tmp_path / "toy" / file.name).write_bytes(file.read_bytes())
    return tmp_path


def alter(folder, change):
    path = folder / "toy" / "card.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record), encoding="utf-8")


def test_the_card_tells_what_was_done(built):
    card, dataset = read_card("toy", built[0]), toy_bags()
    assert card["data"]["digest"] == dataset.digest
    assert card["data"]["rows"] == {"train": 120, "validation": 40, "test": 40}
    assert card["features"]["count"] == 30
    assert set(card["software"]) == {"python", "numpy", "scipy", "scikit-learn", "safetensors"}
    assert {(trial["pairs"], trial["by"]) for trial in card["trials"]} == {
        (True, "chi2"), (True, "frequency"), (False, "chi2"), (False, "frequency"),
    }  # fmt: skip
    assert set(card["baselines"]) == set(BASELINES)
    for name, facts in card["baselines"].items():
        tried = {tuple(sorted((k, v) for k, v in row.items() if k != "validation")) for row in facts["grid"]}
        assert tried == {tuple(sorted(setting.items())) for setting in BASELINES[name].grid}
        best = max(row["validation"] for row in facts["grid"])
        assert {**facts["setting"], "validation": best} in facts["grid"]
        assert facts["metrics"]["validation"]["accuracy"] == pytest.approx(best + facts["rounding"])
        assert facts["rounding"] >= 0


def test_the_scores_are_those_of_the_stored_files(built):
    split = toy_bags().splits["test"]
    for name, (accuracy, macro_f1) in scores("toy", built[0]).items():
        bag = load_baseline("toy", name, built[0])
        predicted = [int(bag.read(text).argmax()) for text in split.texts]
        assert np.mean(np.array(predicted) == split.labels) == pytest.approx(accuracy)
        f1 = []
        for label in range(3):
            hits = sum(p == t == label for p, t in zip(predicted, split.labels, strict=True))
            f1.append(2 * hits / (predicted.count(label) + split.labels.count(label)))
        assert np.mean(f1) == pytest.approx(macro_f1)


def test_what_is_up_to_date_is_not_trained_again(built):
    before = {path: path.stat().st_mtime_ns for path in (built[0] / "toy").iterdir()}
    said = []
    build("toy", ("toy",), lambda _: toy_bags(), folder=built[0], limit=30, say=said.append)
    assert said == ["toy: baselines up to date"]
    assert before == {path: path.stat().st_mtime_ns for path in (built[0] / "toy").iterdir()}


@pytest.mark.parametrize("stale", ["data", "limit", "file"])
def test_what_is_out_of_date_is_trained_again(copy, stale):
    said = []
    if stale == "file":
        (copy / "toy" / "tree.safetensors").write_bytes(b"no")
    build("toy", ("toy",), lambda _: toy_bags(seed=6 if stale == "data" else 5), folder=copy,
          limit=25 if stale == "limit" else 30, say=said.append)  # fmt: skip
    assert len(said) == 1 + len(BASELINES)
    assert read_card("toy", copy)["features"]["count"] == (25 if stale == "limit" else 30)


def test_two_builds_give_the_same_files(built, tmp_path):
    build("toy", ("toy",), lambda _: toy_bags(), folder=tmp_path, limit=30, say=str)
    for file in (built[0] / "toy").iterdir():
        if file.suffix != ".json":
            assert file.read_bytes() == (tmp_path / "toy" / file.name).read_bytes()


def test_of_two_data_sets_the_one_that_reads_dev_better_is_used(tmp_path):
    good = toy_bags()
    blind = good.__class__(
        name="blind", task="toy", language="en", labels=good.labels, card={},
        splits={**good.splits, "train": type(good.splits["train"])(("the film",) * 60, (0, 1, 2) * 20)},
    )  # fmt: skip
    build("toy", ("blind", "toy"), {"toy": good, "blind": blind}.__getitem__, folder=tmp_path, limit=30, say=str)
    card = read_card("toy", tmp_path)
    assert card["data"]["name"] == "toy"
    assert {trial["data"] for trial in card["trials"]} == {"toy", "blind"}


def test_the_best_is_the_one_with_the_highest_test_accuracy(copy):
    def change(record):
        for name, accuracy in zip(record["baselines"], (0.5, 0.7, 0.7, 0.6), strict=True):
            record["baselines"][name]["metrics"]["test"] = {"accuracy": accuracy, "macro_f1": accuracy - 0.1}
        record["baselines"]["logistic"]["metrics"]["test"]["macro_f1"] = 0.65

    alter(copy, change)
    assert best_baseline("toy", copy) == Best("logistic", 0.7, 0.65)
    assert below_baseline("toy", 0.699, copy)
    assert not below_baseline("toy", 0.7, copy)
    assert not below_baseline("toy", None, copy)
    assert best_baseline("nope", copy) is None
    assert not below_baseline("nope", 0.1, copy)
    assert tasks(copy) == ("toy",)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.pop("baselines"), lambda r: r.update(format=9), lambda r: r["baselines"].update(tree={}),
        lambda r: r["baselines"]["tree"].update(metrics={"test": {"accuracy": "x", "macro_f1": 1}}),
    ],
)  # fmt: skip
def test_a_damaged_card_is_told_in_one_sentence_and_has_no_best(copy, change):
    alter(copy, change)
    with pytest.raises(ZooError, match="cannot be read") as caught:
        read_card("toy", copy)
    assert "\n" not in str(caught.value)
    assert best_baseline("toy", copy) is None


def test_a_card_that_is_no_json_has_no_best(copy):
    (copy / "toy" / "card.json").write_text("no", encoding="utf-8")
    assert best_baseline("toy", copy) is None


@pytest.mark.parametrize("file", ["logistic.safetensors", "features.safetensors", "words.txt"])
def test_a_missing_or_damaged_file_is_refused_in_one_sentence(copy, file):
    path = copy / "toy" / file
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ZooError, match="its digest differs"):
        load_baseline("toy", "logistic", copy)
    path.unlink()
    with pytest.raises(ZooError, match=f"the file {file} is missing"):
        load_baseline("toy", "logistic", copy)
    assert load_baseline("toy", "tree", copy) if file == "logistic.safetensors" else True


def test_class_names_that_were_changed_are_refused(copy):
    alter(copy, lambda record: record["labels"].reverse())
    with pytest.raises(ZooError, match="the card was changed"):
        load_baseline("toy", "logistic", copy)


@pytest.mark.parametrize(("name", "part"), [("tree", "with"), ("tree", "feature"), ("logistic", "weights"),
                                            ("naive_bayes", "counts"), ("logistic", "intercept")])  # fmt: skip
def test_arrays_that_do_not_fit_are_refused_even_under_a_matching_digest(copy, name, part):
    import hashlib

    path = copy / "toy" / f"{name}.safetensors"
    arrays = load(path.read_bytes())
    # A loop in the tree would never end; elsewhere a row or column is missing.
    arrays[part] = np.zeros_like(arrays[part]) if name == "tree" else np.ascontiguousarray(arrays[part][..., :-1])
    data = save(arrays)
    path.write_bytes(data)
    alter(copy, lambda record: record["baselines"][name].update(sha256=hashlib.sha256(data).hexdigest()))
    with pytest.raises(ZooError, match="do not fit"):
        load_baseline("toy", name, copy)


def test_an_unknown_task_or_baseline_lists_the_choices(built):
    with pytest.raises(ZooError, match="choose one of: toy"):
        load_baseline("nope", "tree", built[0])
    with pytest.raises(ZooError, match="choose one of: linear_svm, logistic, naive_bayes, tree"):
        load_baseline("toy", "nope", built[0])


def test_reading_needs_numpy_only_and_the_catalogue_not_even_that(built, root):
    code = (
        "import sys\n"
        "from models.baselines.catalogue import best_baseline\n"
        f"assert best_baseline('toy', {str(built[0])!r})\n"
        "assert not {'numpy', 'torch', 'sklearn', 'scipy', 'safetensors'} & set(sys.modules)\n"
        "from models.baselines.store import load_baseline\n"
        "from models.baselines.reading import explain\n"
        "from models.records import Request\n"
        "for name in ('logistic', 'linear_svm', 'naive_bayes', 'tree'):\n"
        f"    explain(load_baseline('toy', name, {str(built[0])!r}), Request('a great film'))\n"
        "assert not {'torch', 'sklearn', 'scipy', 'transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_builds_and_lists(tmp_path, monkeypatch, capsys):
    from models import data
    from models.__main__ import main

    monkeypatch.setattr(data, "load", lambda name, source: toy_bags())
    assert main(["baselines", "build", "--task", "toy", "--folder", str(tmp_path)]) == 0
    assert main(["baselines", "list", "--folder", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.startswith("toy ")]
    assert len(rows) == len(BASELINES)
    assert sum(row.endswith("best") for row in rows) == 1


@pytest.mark.parametrize(
    ("large", "small", "expected"), [(1, 0.4, "8 bits"), (1_000, 0.4, "16 bits"), (1_000, 1e-9, "32 bits")]
)
def test_the_smallest_form_that_loses_nothing_on_dev_is_stored(large, small, expected):
    from types import SimpleNamespace

    from scipy.sparse import csr_matrix

    from models.baselines.build import Fitted, _stored

    # The small weight decides the only dev text; rounded to 0 it would no longer.
    weights = np.array([[large, small]], dtype=np.float32)
    model = BASELINES["logistic"]({"weights": weights, "intercept": np.zeros(1)})
    corpus = SimpleNamespace(matrix=lambda *_: csr_matrix([[0.0, 1.0]]), labels={"validation": np.array([1])})
    precision, stored, moved = _stored(Fitted(model, {}, (), 1.0), corpus, np.arange(2))
    assert precision == expected
    assert moved == 0
    assert stored.arrays["weights"].itemsize == int(expected.split()[0]) // 8
