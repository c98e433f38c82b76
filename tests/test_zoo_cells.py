"""Classifiers that differ in their seed alone: grouped, averaged, and honest about one seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.records import ModelSpec
from models.zoo.catalogue import Card
from models.zoo.cells import cells, score, spread


def card(name, seed=1, **test):
    spec = ModelSpec(name, "toy", "cnn", "mean", seed, "d", "CNN · Mean", ("no", "yes"))
    return Card(spec, {"metrics": {"test": test}} if test else {}, Path("x.json"))


def test_seeds_of_one_recipe_share_a_cell_and_variants_do_not():
    cards = [card("toy/cnn/apln@3", 3), card("toy/cnn/apln"), card("toy/cnn/apln B"), card("toy/cnn/apln@2", 2)]
    found = {cell.id: [c.spec.seed for c in cell.cards] for cell in cells(cards)}
    assert found == {"toy/cnn/apln": [1, 2, 3], "toy/cnn/apln B": [1]}


def test_mean_and_sd_are_those_of_numpy():
    (cell,) = cells(
        [card("toy/cnn/apln", accuracy=0.8), card("toy/cnn/apln@2", 2, accuracy=0.83), card("toy/cnn/apln@3", 3)]
    )
    values = [0.8, 0.83]
    accuracy = cell.spread("accuracy")
    assert (accuracy.mean, accuracy.sd, accuracy.count) == (
        pytest.approx(np.mean(values)), pytest.approx(np.std(values, ddof=1)), 2,
    )  # fmt: skip
    assert cell.spread("macro_f1") is None
    assert score(cell.cards[2], "accuracy") is None


def test_one_number_has_no_deviation():
    assert spread([0.7, None]).sd is None
    assert spread([None]) is None
