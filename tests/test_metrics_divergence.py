"""The distance of two maps, and when a sequence of maps has settled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from models.metrics.divergence import jensen_shannon, settled

# Below 1e-300 the middle of two weights is no longer exact, and scipy's distance may be infinite.
NUMBERS = st.floats(0.0, 1.0).map(lambda x: x if x > 1e-300 else 0.0)
WEIGHTS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*[st.lists(NUMBERS, min_size=n, max_size=n).filter(lambda w: sum(w) > 0.01)] * 2)
)


@given(WEIGHTS)
def test_it_is_the_square_of_scipys_distance(pair):
    left, right = pair
    assert jensen_shannon(left, right) == pytest.approx(float(jensenshannon(left, right)) ** 2, abs=1e-9)


def test_equal_maps_are_0_apart_and_maps_without_a_common_word_ln_2():
    assert jensen_shannon([0.2, 0.8], [0.2, 0.8]) == 0
    # Rounded weights need not sum to one.
    assert jensen_shannon([0.1, 0.4], [0.2, 0.8]) == pytest.approx(0, abs=1e-15)
    assert jensen_shannon([1, 0, 0], [0, 0.5, 0.5]) == pytest.approx(math.log(2))


def test_the_smallest_number_there_is_divides_nothing_by_zero():
    assert jensen_shannon([1.0, 0.0], [1.0, 5e-324]) == 0


@pytest.mark.parametrize(
    ("left", "right"), [([1.0], [0.5, 0.5]), ([0.0], [1.0]), ([-0.1, 1.1], [0.5, 0.5]), ([np.inf], [1.0]), ([], [])]
)
def test_what_is_no_distribution_is_refused(left, right):
    with pytest.raises(ValueError, match="weights|distributions"):
        jensen_shannon(left, right)


@pytest.mark.parametrize(
    ("distances", "place"),
    [
        ([0.3, 0.005, 0.2, 0.01, 0.0], 3),
        ([0.3, 0.2, 0.1, 0.0], None),
        ([0.001, 0.0], 0),
        ([0.0], None),
        ([0.009, 0.009, 0.009], 0),
    ],
)
def test_settled_is_the_first_place_from_which_all_stay_close(distances, place):
    assert settled(distances, 0.01) == place
