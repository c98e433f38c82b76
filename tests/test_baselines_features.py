"""Features of a text: where they stand, what they give to the words, and how they are stored."""

from __future__ import annotations

import numpy as np
import pytest

from models.baselines.features import Features, smallest
from models.errors import PoolScopeError

FEATURES = Features(["not", "bad", "not bad", "film", "bad film"], np.array([9, 3, 2, 70_000, 2]), 80_000)


def test_places_of_words_and_pairs():
    found = [(FEATURES.names[j], first, last) for j, first, last in FEATURES.places(["not", "bad", "day", "not"])]
    assert found == [("not", 0, 0), ("not bad", 0, 1), ("bad", 1, 1), ("not", 3, 3)]


def test_an_empty_key_stands_for_a_masked_word_and_parts_a_pair():
    assert [FEATURES.names[j] for j, _, _ in FEATURES.places(["not", "", "bad"])] == ["not", "bad"]


def test_a_pair_gives_half_to_each_word_and_repeats_share():
    keys = ["not", "bad", "film", "not"]
    parts = {0: 1.0, 1: 2.0, 2: 4.0, 3: 8.0, 4: 16.0}
    assert FEATURES.spread(keys, parts) == [0.5 + 2, 2 + 2 + 8, 8 + 8, 0.5]
    assert sum(FEATURES.spread(keys, parts)) == sum(parts.values())


def test_packing_and_unpacking_give_the_same_features():
    words, arrays = FEATURES.packed()
    assert words == ["bad", "film", "not"]
    again = Features.unpacked(words, arrays, FEATURES.texts)
    assert again.names == FEATURES.names
    assert (again.frequency == FEATURES.frequency).all()
    assert again.idf == pytest.approx(np.log(80_001 / (1 + FEATURES.frequency)) + 1)


def test_known_is_a_word_by_itself():
    assert FEATURES.known("film")
    assert not FEATURES.known("day")


@pytest.mark.parametrize(("names", "frequency"), [(["a", "a"], [1, 1]), (["a", "b"], [1])])
def test_features_that_cannot_be_are_refused(names, frequency):
    with pytest.raises(PoolScopeError, match="feature names came"):
        Features(names, np.array(frequency), 3)


@pytest.mark.parametrize(("top", "kind"), [(255, np.uint8), (256, np.uint16), (65_536, np.uint32), (0, np.uint8)])
def test_whole_numbers_take_the_least_room(top, kind):
    assert smallest(np.array([0, top])).dtype == kind
    assert smallest(np.array([0, top]))[1] == top
