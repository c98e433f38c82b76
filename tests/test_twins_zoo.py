"""Twins in a zoo folder: packed, found by their base, left out of every ordinary list, built once."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy_data import recipe, toy
from toy_zoo import APLN, OTHERS, WORDS, alter, build_zoo, make

from models.commands.zoo import register
from models.training.rounding import pack_rows, unpack_rows
from models.zoo import build_twins as building
from models.zoo import twins as planning
from models.zoo.build import build
from models.zoo.build_twins import build_twins
from models.zoo.catalogue import catalogue, find, problems, twins_of
from models.zoo.errors import ZooError
from models.zoo.recipes import TaskPlan
from models.zoo.store import draft, from_card, load_classifier, put

WIDE = {"encoder_options": {"hidden_size": 24}, "embedding_size": 16}


@pytest.fixture
def zoo(tmp_path):
    """Three ordinary classifiers and four twins of the first."""
    build_zoo(tmp_path)
    entry = find(APLN, tmp_path).record["table"]
    several = (("seed", None, 3), ("adversarial", 0.1, 1), ("adversarial", 0.02, 1), ("seed", None, 2))
    for kind, strength, seed in several:
        base, classifier = make("apln", reading="B", limit="sigmoid")
        made = dataclasses.replace(base, seed=seed, label="" if strength is None else f"adversarial_{strength}")
        said = {"kind": kind, "of": APLN} | ({} if strength is None else {"lambda": strength})
        put(*draft(tmp_path / "toy", classifier, made, entry, {"twin": said}))
    return tmp_path


def test_twins_are_listed_under_their_base_alone(zoo):
    assert [card.spec.id for card in catalogue(zoo)] == [APLN, *OTHERS]
    assert [card.spec.id for card in twins_of(APLN, zoo)] == [
        "toy/cnn/adversarial_0.02", "toy/cnn/adversarial_0.1", f"{APLN}@2", f"{APLN}@3",
    ]  # fmt: skip
    assert twins_of(OTHERS[0], zoo) == ()
    assert find(f"{APLN}@2", zoo).twin == {"kind": "seed", "of": APLN}
    assert find(APLN, zoo).twin is None
    assert load_classifier("toy/cnn/adversarial_0.1", zoo).spec.id == "toy/cnn/adversarial_0.1"
    with pytest.raises(ZooError, match=f"choose one of: {', '.join([APLN, *OTHERS])}$"):
        find("toy/cnn/apln@9", zoo)


@pytest.mark.parametrize("said", [{"kind": "seed"}, {"kind": "seed", "of": 3}, "seed", []])
def test_a_card_that_does_not_say_whose_twin_it_is_is_a_problem(zoo, said):
    alter(zoo, twin=said)
    assert APLN not in [card.spec.id for card in catalogue(zoo)]
    (sentence,) = problems(zoo)
    assert "cnn-apln.json does not describe a classifier" in sentence


def wide():
    """A recipe and classifier with matrices large enough to be packed."""
    from models.assemble import assemble

    made = recipe("bilstm", "attention", **WIDE)
    torch.manual_seed(1)
    return made, assemble(made, ("a", "b"), WORDS, embedding_size=16)


def written(tmp_path, bits):
    made, classifier = wide()
    from models.zoo.word_tables import write_table

    entry = write_table(tmp_path / "toy", "words", WORDS, classifier.table.weight.detach())
    return put(*draft(tmp_path / "toy", classifier, made, entry, {}, bits)), classifier


def test_packed_weights_come_back_as_they_were_rounded(tmp_path):
    card, classifier = written(tmp_path, 7)
    assert card.record["weights"]["bits"] == 7
    read = from_card(card).state_dict()
    packed = {name[len("scale:"):] for name in load_file(tmp_path / "toy" / "bilstm-attention.safetensors")
              if name.startswith("scale:")}  # fmt: skip
    # All that is large and has rows; biases, the head and the scorer's vector stay as they are.
    matrices = {name for name in read if name.startswith("encoder.lstm.weight")} | {"pooler.scorer.project.weight"}
    assert packed == matrices
    for name, value in classifier.state_dict().items():
        if name in packed:
            expected = unpack_rows(*pack_rows(value, 7), value.shape[1])
            assert float((expected - value).abs().max()) > 0
        else:
            expected = value.half().float() if name == "table.weight" else value
        assert torch.equal(read[name], expected), name


def test_packed_weights_are_small(tmp_path):
    sizes = {bits: written(tmp_path / str(bits), bits)[0].record["weights"]["bytes"] for bits in (7, 8, 16)}
    assert sizes[7] < sizes[8] < 0.75 * sizes[16]


def test_a_packed_file_without_its_scales_is_refused(zoo):
    import hashlib

    file = zoo / "toy" / "cnn-apln.safetensors"
    own = load_file(file)
    name = next(name for name, value in own.items() if value.dim() > 1)
    for tensors in (
        {**own, name: torch.zeros(3, 4, dtype=torch.uint8)},
        {**own, name: torch.zeros(3, 4, dtype=torch.uint8), f"scale:{name}": torch.ones(3, 1)},
        {**own, "scale:xyz": torch.ones(3, 1), "xyz": torch.zeros(3, 4, dtype=torch.uint8)},
    ):
        save_file(tensors, file)
        alter(zoo, weights={"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()})
        with pytest.raises(ZooError, match="the weights do not fit the card"):
            load_classifier(APLN, zoo)


PLAN = TaskPlan(
    "toy", "toy", ("toy",), ("bilstm",), ("mean", "attention"), tuned=(),
    changes=(("epochs", 2), ("patience", 2), ("batch_size", 16), ("lr", 0.01)),
)  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    pytest.importorskip("gensim", reason="gensim trains the word vectors; it is in requirements-train.txt")
    folder, data = tmp_path_factory.mktemp("twins"), toy(train=96, others=48)
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "TWINNED", ("toy",))
        patch.setattr(planning, "SEEDS", (2,))
        patch.setattr(planning, "STRENGTHS", (0.01, 0.1))
        patch.setattr(planning, "WORDS", 3)
        build(PLAN, lambda _: data, folder=folder / "weights", work=folder / "work", say=lines.append)
        ordinary = sorted(path.name for path in (folder / "weights" / "toy").iterdir())
        build_twins(PLAN, lambda _: data, folder=folder / "weights", work=folder / "work", say=lines.append)
        again: list[str] = []
        build_twins(PLAN, lambda _: data, folder=folder / "weights", work=folder / "work", say=again.append)
    return folder / "weights", ordinary, again


def test_building_makes_every_kind_and_touches_nothing_else(built):
    folder, ordinary, _ = built
    assert [card.spec.id for card in catalogue(folder)] == ["toy/bilstm/attention", "toy/bilstm/mean"]
    twins = twins_of("toy/bilstm/attention", folder)
    assert [card.spec.id.removeprefix("toy/") for card in twins] == [
        "bilstm/adversarial_0.01", "bilstm/adversarial_0.1", "bilstm/deceptive_0.1", "bilstm/deceptive_1",
        "bilstm/diversity_0.5", "embedding/guided_adversary", "embedding/guided_base", "embedding/guided_own",
        "embedding/guided_uniform", "orthogonal_lstm/attention", "bilstm/attention@2", "bilstm/uniform",
    ]  # fmt: skip
    assert set(ordinary) < {path.name for path in (folder / "toy").iterdir()}
    base = find("toy/bilstm/attention", folder)
    for card in twins:
        said = card.twin
        assert said["of_digest"] == base.spec.digest
        assert said["texts"] == 48
        assert all(0 <= said[name] <= 1 for name in ("jsd", "tvd", "conicity"))
        assert set(card.record["metrics"]) == {"validation", "test"}
        assert load_classifier(card.spec.id, folder).spec.title == card.spec.title
    by_id = {card.spec.id.removeprefix("toy/"): card.twin for card in twins}
    assert len(by_id["bilstm/deceptive_1"]["forbidden"]) == 3
    assert by_id["bilstm/deceptive_1"]["lambda"] == 1.0
    assert by_id["embedding/guided_base"]["jsd"] == 0
    assert by_id["embedding/guided_adversary"]["jsd"] == by_id["bilstm/adversarial_0.01"]["jsd"]
    assert by_id["embedding/guided_adversary"]["guide"] == "toy/bilstm/adversarial_0.01"


def test_a_second_build_trains_nothing(built):
    _, _, again = built
    assert len(again) == 12
    assert all(line.endswith("up to date") for line in again)


def test_the_uniform_twin_is_mean_pooling_itself(built):
    folder, _, _ = built
    even, mean = load_classifier("toy/bilstm/uniform", folder), load_classifier("toy/bilstm/mean", folder)
    ids = torch.tensor([[2, 3, 4, 5]])
    mask = torch.ones(1, 4, dtype=torch.bool)
    torch.testing.assert_close(even(ids, mask), mean(ids, mask))
    assert even.spec.digest != mean.spec.digest
    assert find("toy/bilstm/uniform", folder).record["weights"]["file"] == "bilstm-mean.safetensors"


def test_the_uniform_twin_needs_a_mean_trained_alike(built, tmp_path):
    import shutil

    folder, _, _ = built
    shutil.copytree(folder, tmp_path / "zoo")
    path = tmp_path / "zoo" / "toy" / "bilstm-mean.json"
    record = json.loads(path.read_text())
    record["recipe"]["epochs"] = 7
    path.write_text(json.dumps(record))
    planned = next(p for p in planning._all(PLAN, _base(folder)) if p.kind == "uniform")
    reference = building.Reference(load_classifier("toy/bilstm/attention", folder), [[2, 3]])
    with pytest.raises(ZooError, match="toy/bilstm/mean was trained in another way than toy/bilstm/uniform is to be"):
        building._uniform(tmp_path / "zoo", planned, reference, toy(), {})


def _base(folder):
    from models.training.recipe import Recipe

    return Recipe.from_dict(find("toy/bilstm/attention", folder).record["recipe"])


def test_the_command_lists_the_twins_of_one_classifier(built, capsys):
    import argparse

    folder, _, _ = built
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(["zoo", "list", "--twins", "toy/bilstm/attention", "--folder", str(folder)])
    assert args.run(args) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["id", "kind", "test", "acc", "macro-F1", "JSD", "TVD", "conicity"]
    assert len(lines) == 13
    args = parser.parse_args(["zoo", "list", "--folder", str(folder)])
    args.run(args)
    assert "adversarial" not in capsys.readouterr().out
    with pytest.raises(ZooError, match="there is no classifier 'toy/x/y'"):
        args.run(parser.parse_args(["zoo", "list", "--twins", "toy/x/y", "--folder", str(folder)]))
