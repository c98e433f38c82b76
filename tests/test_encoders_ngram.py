"""The encoder of n-grams: what is listed, what enters where, and fastText's sum computed a second time by hand."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from models.assemble import assemble
from models.encoders.ngram import NO_KEY, NgramEncoder, keys_of
from models.errors import PoolScopeError
from models.text import PAD, UNK, Vocabulary
from models.training.recipe import Recipe
from models.zoo.store import load_classifier, write
from models.zoo.word_tables import write_table

ROWS = [[2, 3, 4, 2, 3], [2, 3, 4], [5, UNK, 3, 4], [6]]


def grams(row, longest):
    """Every n-gram of known tokens, by slices."""
    return [
        (i, tuple(row[i : i + n])) for i in range(len(row)) for n in range(1, longest + 1)
        if i + n <= len(row) and min(row[i : i + n]) > UNK
    ]  # fmt: skip


def key(gram):
    """The key of one n-gram by itself."""
    return int(keys_of(torch.tensor([list(gram)]), len(gram))[-1, 0, 0])


@pytest.mark.parametrize("longest", [1, 2, 3])
def test_keys_are_those_of_the_n_grams_and_no_two_share_one(longest):
    generator = torch.Generator().manual_seed(3)
    rows = torch.randint(0, 2**21 - 1, (200, 9), generator=generator).tolist() + [[2**21 - 2] * 3, [2]]
    seen = {}
    for row in rows:
        keys = keys_of(torch.tensor([row]), longest)[:, 0]
        expected = {(len(gram) - 1, i): gram for i, gram in grams(row, longest)}
        assert {tuple(place) for place in (keys != NO_KEY).nonzero().tolist()} == set(expected)
        for (n, i), gram in expected.items():
            assert seen.setdefault(int(keys[n, i]), gram) == gram


def test_the_list_holds_the_most_frequent_n_grams_seen_twice():
    counted = Counter(gram for row in ROWS for _, gram in grams(row, 3))
    twice = {gram for gram, seen in counted.items() if seen > 1}
    assert twice == {(2,), (3,), (4,), (2, 3), (3, 4), (2, 3, 4)}
    encoder = NgramEncoder(4, count=10, size=3)
    encoder.collect(ROWS)
    assert set(encoder.keys.tolist()) == {key(gram) for gram in twice} | {NO_KEY}
    assert encoder.keys.tolist() == sorted(encoder.keys.tolist())
    # Fewer places than n-grams: (3,) occurs four times, then those of three.
    small = NgramEncoder(4, count=2, size=3)
    small.collect(ROWS)
    assert key((3,)) in small.keys.tolist()
    # A list that is there is not made again: the shipped one must survive being trained on.
    before = small.keys.clone()
    small.collect([[7, 8, 7, 8]])
    assert torch.equal(small.keys, before)


def test_a_token_has_the_listed_n_grams_that_begin_there():
    torch.manual_seed(0)
    encoder = NgramEncoder(4, count=10, size=3).double()
    encoder.collect(ROWS)
    row = [2, 3, 4, 6, 3, UNK, 4, 3]
    ids = torch.tensor([[*row, PAD, PAD], [4, *[PAD] * 9]])
    said = encoder.enter(torch.full((2, 10, 4), float("nan"), dtype=torch.float64), ids)
    listed = encoder.keys.tolist()
    for b, text in enumerate((row, [4])):
        for i in range(10):
            expected = torch.zeros(3, dtype=torch.float64)
            for at, gram in grams(text, 3):
                if at == i and key(gram) in listed:
                    expected += encoder.grams.weight[listed.index(key(gram)) + 1].detach()
            torch.testing.assert_close(said[b, i].detach(), expected, rtol=1e-12, atol=1e-12)
    assert said[0, 0].any()
    assert not said[0, 5].any()


def classifier(pooler="mean"):
    torch.manual_seed(1)
    recipe = Recipe("toy", "ngram", pooler, embedding_size=4, encoder_options=(("count", 10), ("size", 3)))
    made = assemble(recipe, ("a", "b"), Vocabulary(["w", "x", "y", "z", "v"]))
    made.encoder.collect(ROWS)
    return made.double().eval()


def test_mean_pooling_is_the_sum_of_all_n_grams_over_the_length():
    made, row = classifier(), [2, 3, 4, 2, 3]
    listed = made.encoder.keys.tolist()
    total = torch.zeros(3, dtype=torch.float64)
    for _, gram in grams(row, 3):
        if key(gram) in listed:
            total = total + made.encoder.grams.weight[listed.index(key(gram)) + 1]
    ids = torch.tensor([row])
    torch.testing.assert_close(made(ids, ids > 0)[0], made.head(total / len(row)), rtol=1e-12, atol=1e-12)


def test_padding_and_company_change_nothing():
    made = classifier("attention")
    alone = made(torch.tensor([[2, 3, 4]]), torch.ones(1, 3, dtype=torch.bool))
    ids = torch.tensor([[2, 3, 4, PAD, PAD], [5, 2, 3, 4, 2]])
    torch.testing.assert_close(made(ids, ids > 0)[:1], alone, rtol=1e-12, atol=1e-12)


def test_the_order_of_words_counts():
    made = classifier()
    one, other = (made(torch.tensor([row]), torch.ones(1, 3, dtype=torch.bool)) for row in ([2, 3, 4], [4, 3, 2]))
    assert float((one - other).detach().abs().max()) > 1e-3


def test_padding_line_learns_nothing():
    made = classifier()
    ids = torch.tensor([[6, 5, 6]])
    made(ids, ids > 0).sum().backward()
    assert not made.encoder.grams.weight.grad.any()


@pytest.mark.parametrize("options", [{"longest": 4}, {"longest": 0}, {"count": 0}, {"size": 0}])
def test_options_without_meaning_are_refused(options):
    with pytest.raises(PoolScopeError, match="expected longest 1, 2 or 3"):
        NgramEncoder(4, **options)


def test_ids_too_large_for_a_key_are_refused():
    with pytest.raises(PoolScopeError, match="use a smaller vocabulary"):
        NgramEncoder(4).collect([[2**21 - 1]])


def test_a_list_of_n_grams_is_written_and_read_back_to_the_last_digit(tmp_path):
    recipe = Recipe("toy", "ngram", "mean", embedding_size=4, encoder_options=(("count", 6000), ("size", 3)))
    vocabulary = Vocabulary([f"w{i}" for i in range(60)])
    made = assemble(recipe, ("a", "b"), vocabulary)
    generator = torch.Generator().manual_seed(0)
    made.encoder.collect(torch.randint(2, 62, (3000, 20), generator=generator).tolist())
    # float32 could not hold them.
    assert int(made.encoder.keys.max()) > 2**42
    entry = write_table(tmp_path / "toy", "words", vocabulary, made.table.weight.detach())
    write(tmp_path / "toy", made, recipe, entry, {})
    read = load_classifier(recipe.id, tmp_path)
    assert torch.equal(read.encoder.keys, made.encoder.keys)
    ids = torch.randint(2, 62, (4, 9), generator=generator)
    torch.testing.assert_close(read(ids, ids > 0), made.eval()(ids, ids > 0).detach(), rtol=1e-2, atol=1e-3)
