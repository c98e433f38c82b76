"""Cards: what every reader may take for granted, and one sentence for a card that is not one."""

from __future__ import annotations

import json

import pytest
from toy_zoo import APLN, OTHERS, alter, assert_refused, build_zoo

from models.zoo.catalogue import REQUIRED, catalogue, find, problems


@pytest.fixture
def zoo(tmp_path):
    return build_zoo(tmp_path)


def assert_left_out(zoo, *parts):
    """The APLN's card is left out of the catalogue and named, once, among the problems."""
    assert [card.spec.id for card in catalogue(zoo)] == OTHERS
    (sentence,) = problems(zoo)
    assert sentence.startswith("the card cnn-apln.json ")
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence
    assert_refused(zoo, f"there is no classifier '{APLN}'; choose one of: {', '.join(OTHERS)}")


@pytest.mark.parametrize("field", REQUIRED)
def test_a_card_that_lacks_a_field(zoo, field):
    alter(zoo, **{field: None})
    assert_left_out(zoo, f"lacks {field}; it is not a PoolScope card or is damaged")


@pytest.mark.parametrize("text", ["", "{", '{"id": "toy', "[]", "null", "\x00", '"card"', "[1, 2]"])
def test_a_file_that_is_no_card(zoo, text):
    (zoo / "toy" / "cnn-apln.json").write_text(text)
    assert_left_out(zoo)


def test_a_file_that_is_no_text(zoo):
    (zoo / "toy" / "cnn-apln.json").write_bytes(b"\xff\xfe\x00\x01")
    assert_left_out(zoo, "cannot be read")


@pytest.mark.parametrize("value", [2, "1", None])
def test_a_card_of_another_format(zoo, value):
    alter(zoo, format=value)
    assert_left_out(zoo, f"has format {value!r}; this version reads format 1")


SHA = "0" * 64


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["one"]}, {"labels": "ab"}, {"labels": 2}, {"labels": [1, 2]}, {"labels": {"a": 1, "b": 2}},
        {"seed": "first"}, {"seed": []}, {"id": ""}, {"task": ""},
        {"weights": "cnn-apln.safetensors"}, {"weights": {"file": "cnn-apln.safetensors"}}, {"weights": []},
        {"weights": {"file": 5, "sha256": SHA}}, {"weights": {"file": "cnn-apln.safetensors", "sha256": 5}},
        {"weights": {"file": "../toy/cnn-apln.safetensors", "sha256": SHA}},
        {"weights": {"file": "/etc/passwd", "sha256": SHA}}, {"weights": {"file": "", "sha256": SHA}},
        {"table": {}}, {"table": 7}, {"table": {"name": "words", "sha256": SHA}},
        {"table": {"name": "../words", "sha256": SHA, "words_sha256": SHA}},
        {"recipe": []}, {"recipe": "apln"}, {"digest": 3},
        {"metrics": []}, {"metrics": {"test": 5}}, {"metrics": {"test": {"accuracy": "high"}}},
        {"learned": 5}, {"learned": [{"name": "p"}]},
        {"learned": [{"name": "p", "values": [1, 2], "initial": [1], "meaning": "", "domain": ""}]},
    ],
    ids=lambda changes: str(changes)[:50],
)  # fmt: skip
def test_a_card_whose_parts_are_odd(zoo, changes):
    alter(zoo, **changes)
    assert_left_out(zoo, "does not describe a classifier", "restore the file")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"pooler": "sum"}, "unknown pooler 'sum'; choose one of: apln, attention"),
        ({"encoder": "gru"}, "unknown encoder 'gru'; choose one of: "),
        ({"pooler": "mean"}, "an option does not fit"),
        ({"pooler_options": {"reading": "Q"}}, "unknown reading 'Q' of apln"),
        ({"pooler_options": {"per_dimension": True}}, "size mismatch for pooler.p.rho"),
        ({"pooler_options": 5}, ""),
        ({"pooler_options": "ab"}, ""),
        ({"encoder_options": {"filters": 7}}, "size mismatch for"),
        ({"epochs": "many"}, ""),
        ({"dropout": 3}, "dropout came as 3"),
        ({"surprise": 1}, "the recipe has unknown fields: surprise"),
    ],
    ids=str,
)
def test_a_recipe_that_does_not_give_these_weights(zoo, changes, part):
    recipe = find(APLN, zoo).record["recipe"]
    alter(zoo, recipe={**recipe, **changes})
    assert_refused(zoo, f"{APLN}: the weights do not fit the card (", part, "); restore both files")


def test_the_catalogue_is_sorted_by_id(zoo):
    # "cnn-max-2.json" stands before "cnn-max.json" among files, "…/max" before "…/max@2" among ids.
    for name, model_id in (("a.json", "toy/z/last"), ("z.json", "toy/a/first")):
        record = json.loads((zoo / "toy" / "cnn-mean.json").read_text(encoding="utf-8"))
        (zoo / "toy" / name).write_text(json.dumps({**record, "id": model_id}), encoding="utf-8")
    assert [c.spec.id for c in catalogue(zoo)] == ["toy/a/first", APLN, *OTHERS, "toy/z/last"]


def test_cards_speak_without_weights(zoo):
    for file in (zoo / "toy").glob("*.safetensors"):
        file.unlink()
    card = find(APLN, zoo)
    assert card.accuracy == 0.5
    (p,) = card.learned
    assert (p.name, p.initial, p.domain) == ("p", (1.0,), "(0.05, ∞)")
    assert find("toy/cnn/mean", zoo).learned == ()


@pytest.mark.parametrize("what", ["labels", "max_tokens"])
def test_a_card_whose_meaning_was_changed_is_refused(zoo, what):
    record = json.loads((zoo / "toy" / "cnn-apln.json").read_text(encoding="utf-8"))
    changes = {
        "labels": {"labels": record["labels"][::-1]},
        "max_tokens": {"recipe": {**record["recipe"], "max_tokens": record["recipe"]["max_tokens"] + 1}},
    }[what]
    alter(zoo, **changes)
    assert_refused(zoo, "toy/cnn/apln: the card was changed (its digest differs)")
