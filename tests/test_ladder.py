"""The ladder: its rungs are the methods, its τ is between neighbours, its sentence names the break."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import kendalltau
from tiny_classifiers import LABELS, PAIRS, TEXT, ids_of, tiny

from models.analysis import analyse
from models.errors import PoolScopeError
from models.experiments.ladder import AGREES, ladder
from models.poolers import POOLERS
from models.records import MethodCall, Request

pair = pytest.mark.parametrize(("encoder", "pooler"), PAIRS)
ATTENDING = ["attention", "attention_norm", "exact_share", "state_gradient", "input_gradient", "leave_one_out"]
WITHOUT = ["mean_share", "exact_share", "input_gradient", "leave_one_out"]


@pair
def test_the_rungs_are_the_methods_in_order(encoder, pooler):
    classifier = tiny(encoder, pooler)
    found = ladder(classifier, Request(TEXT, target=2))
    assert [r.name for r in found.rungs] == (ATTENDING if classifier.pooler.attends else WITHOUT)
    names = tuple(MethodCall(r.name) for r in found.rungs if r.name not in {"state_gradient", "mean_share"})
    maps = {a.method: a.scores for a in analyse(classifier, Request(TEXT, names, target=2)).attributions}
    assert all(r.scores == maps[r.name] for r in found.rungs if r.name in maps)
    assert all(r.title and r.adds.endswith(".") for r in found.rungs)


@pair
def test_tau_is_scipys_between_neighbours_by_size_where_one_has_no_sign(encoder, pooler):
    classifier = tiny(encoder, pooler)
    rungs = ladder(classifier, Request(TEXT, target=1)).rungs
    unsigned = {"attention", "attention_norm", "mean_share"}
    assert rungs[0].tau is None
    for above, below in zip(rungs, rungs[1:], strict=False):
        if below.scores is None:
            # No exact split, so no ranking to compare: the rung stays, and says why it is empty.
            assert below.name == "exact_share"
            assert (classifier.pooler.homogeneous, classifier.pooler.path_integrated) == (False, False)
            assert below.tau.value is None
            assert "no exact split" in below.tau.reason
            assert "It has no map here: " in below.adds
            assert "no exact split" in below.adds
            continue
        if above.scores is None:
            # The step leads over the gap.
            above = rungs[1]
            assert below.over == above.title
            assert f"Compared over the gap, with {above.title}." in below.adds
        else:
            assert below.over == ""
        if len(set(above.scores)) == 1:
            assert pooler == "mean"
            assert below.tau.value is None
            assert "same score" in below.tau.reason
            continue
        size = above.name in unsigned
        pick = abs if size else float
        expected = kendalltau(list(map(pick, above.scores)), list(map(pick, below.scores)))
        assert below.tau.value == pytest.approx(expected.statistic, abs=1e-12)
        assert below.tau.p_value == pytest.approx(expected.pvalue, abs=1e-12)
        assert below.tau.basis == ("magnitude" if size else "signed")
        assert (below.tau.left, below.tau.right) == (above.name, below.name)
        # Two maps without sign lose nothing by size, so there is nothing to say.
        assert ("Compared by size" in below.adds) == (size and below.name not in unsigned)


@pair
def test_the_weakest_rung_is_the_one_with_the_smallest_tau_and_is_named(encoder, pooler):
    classifier = tiny(encoder, pooler)
    found = ladder(classifier, Request(TEXT, target=0))
    taus = [2.0 if r.tau is None or r.tau.value is None else r.tau.value for r in found.rungs]
    assert found.weakest == taus.index(min(taus))
    above, below = found.rungs[found.weakest - 1].title, found.rungs[found.weakest]
    assert f"from {below.over or above} to {below.title} (τ = " in found.sentence
    assert ("The ladder breaks" in found.sentence) == (min(taus) < AGREES)
    assert ("No step breaks the ladder" in found.sentence) == (min(taus) >= AGREES)
    assert ("has no attention to begin with" in found.sentence) == (not classifier.pooler.attends)
    assert "\n" not in found.sentence


@pytest.mark.parametrize("pooler", ["attention", "scaled_dot"])
def test_state_gradient_is_exact_share_plus_the_influence_through_the_weights(pooler):
    classifier = tiny("bilstm", pooler, double=True)
    rungs = {r.name: r.scores for r in ladder(classifier, Request(TEXT, target=1)).rungs}
    ids = torch.tensor([ids_of(classifier)])
    mask = torch.ones_like(ids, dtype=torch.bool)
    hidden = classifier.encode(classifier.embed(ids), mask)

    def logit(states):
        return float(classifier.decide(classifier.pool(states, mask))[0, 1])

    step = 1e-6
    for i in range(ids.shape[1]):
        up, down = hidden.clone(), hidden.clone()
        up[0, i] *= 1 + step
        down[0, i] *= 1 - step
        assert rungs["state_gradient"][i] == pytest.approx((logit(up) - logit(down)) / (2 * step), abs=1e-7)
    assert rungs["state_gradient"] != pytest.approx(rungs["exact_share"])


def through(classifier, how):
    return {r.name: r for r in ladder(classifier, Request(TEXT, target=1), how).rungs}


@pytest.mark.parametrize(
    ("encoder", "pooler", "how"),
    # A surrogate gradient is, by its own account, not the derivative of what is computed.
    [(encoder, pooler, how) for encoder, pooler in PAIRS for how in ("attached", "detached")
     if POOLERS[pooler].attends and not (POOLERS[pooler].surrogate and how == "attached")],
)  # fmt: skip
def test_gradients_are_differences_of_a_run_with_free_or_with_held_weights(encoder, pooler, how):
    # By steps of the logit, from the classifier's own stages: no derivative is taken here.
    classifier = tiny(encoder, pooler, double=True)
    found = through(classifier, how)
    ids = torch.tensor([ids_of(classifier)])
    mask = classifier.grouped(ids, torch.ones_like(ids, dtype=torch.bool))
    embeddings = classifier.embed(ids)
    hidden = classifier.encode(embeddings, mask)
    own = classifier.pooler.own_weights(hidden, mask)

    def logit(states):
        return float(classifier.decide(classifier.pool(states, mask, own if how == "detached" else None))[0, 1])

    step = 1e-6
    for i in range(ids.shape[1]):
        values = {"state_gradient": [], "input_gradient": []}
        for sign in (1, -1):
            turned, moved = hidden.clone(), embeddings.clone()
            turned[0, i] *= 1 + sign * step
            moved[0, i] *= 1 + sign * step
            values["state_gradient"].append(logit(turned))
            values["input_gradient"].append(logit(classifier.encode(moved, mask)))
        for name, (up, down) in values.items():
            assert found[name].scores[i] == pytest.approx((up - down) / (2 * step), abs=1e-6)


def test_held_weights_leave_the_exact_share_where_the_vector_is_a_weighted_mean():
    classifier = tiny("bilstm", "attention", double=True)
    attached, detached = through(classifier, "attached"), through(classifier, "detached")
    assert detached["state_gradient"].scores == pytest.approx(detached["exact_share"].scores, abs=1e-12)
    assert detached["state_gradient"].tau.value == pytest.approx(1)
    assert attached["state_gradient"].scores != pytest.approx(attached["exact_share"].scores)
    assert "exact share once more" in detached["state_gradient"].adds
    assert "Influence through the weights" in attached["state_gradient"].adds
    # What is no gradient is the same on both.
    for name in ("attention", "attention_norm", "exact_share", "leave_one_out"):
        assert attached[name].scores == detached[name].scores
    assert detached["input_gradient"].title == "Input × gradient (attention detached)"


@pair
def test_a_ladder_says_which_gradients_it_shows(encoder, pooler):
    classifier = tiny(encoder, pooler)
    attends = classifier.pooler.attends
    found = {how: ladder(classifier, Request(TEXT, target=1), how) for how in ("attached", "detached")}
    assert {how: one.through for how, one in found.items()} == {how: how if attends else "none" for how in found}
    assert (found["attached"].rungs == found["detached"].rungs) == (not attends)


def test_gradients_that_are_neither_are_refused():
    for pooler in ("attention", "mean"):
        with pytest.raises(PoolScopeError, match="attention is one of attached, detached, got 'loose'"):
            ladder(tiny("bilstm", pooler), Request(TEXT), "loose")


def test_a_gap_is_told_in_the_sentence_and_stepped_over():
    found = ladder(tiny("bilstm", "hierarchical"), Request(TEXT, target=1))
    assert [r.name for r in found.rungs if r.scores is None] == ["exact_share"]
    assert [r.over for r in found.rungs] == ["", "", "", "Attention × norm", "", ""]
    assert found.sentence.endswith("There is no Exact share here; the step below leads over the gap.")
    assert "what it does by moving the attention" in found.rungs[3].adds
    assert "over the gap" not in ladder(tiny("bilstm", "attention"), Request(TEXT, target=1)).sentence


def test_poolers_without_attention_have_no_influence_through_weights():
    classifier = tiny("bilstm", "mean", double=True)
    rungs = ladder(classifier, Request(TEXT)).rungs
    assert "ladder starts at each token's share" in rungs[0].adds
    assert rungs[0].scores == pytest.approx([1 / 13] * 13)


def test_the_cause_follows_the_encoder_and_the_class():
    words = {
        encoder: [r.adds for r in ladder(tiny(encoder, "attention"), Request(TEXT, target=2)).rungs]
        for encoder in ("embedding", "bilstm")
    }
    assert "no neighbour is mixed in" in words["embedding"][4]
    assert "also carries its neighbours" in words["bilstm"][4]
    assert f"“{LABELS[2]}”" in words["bilstm"][2]
    assert "learned norm" not in words["bilstm"][2]
    assert "learned norm" in ladder(tiny("bilstm", "apln"), Request(TEXT)).rungs[2].adds


def test_a_ladder_that_holds_says_so():
    # One token far from all others in every way: two words, and every rung orders them alike.
    classifier = tiny("identity", "attention", double=True)
    with torch.no_grad():
        classifier.pooler.scorer.project.weight.fill_(1.0)
        classifier.pooler.scorer.vector.weight.fill_(1.0)
        classifier.head.weight.fill_(1.0)
        classifier.table.weight[2] = 0.1
        classifier.table.weight[3] = 0.5
    found = ladder(classifier, Request("the film", target=0))
    assert [r.tau.value for r in found.rungs[1:]] == [1.0] * 5
    assert found.sentence.startswith("No step breaks the ladder; the weakest is from Attention to Attention × norm")
    assert found.sentence.endswith("From Attention to Leave-one-out τ is 1.00.")


def test_one_token_has_no_ranking_and_the_sentence_says_why():
    found = ladder(tiny(), Request("film"))
    assert found.weakest is None
    assert found.rungs[-1].scores is None
    assert found.sentence.startswith("No two rungs can be compared on this text. A ranking needs two tokens")


def test_edits_are_obeyed_and_deleted_tokens_left_out():
    classifier = tiny()
    found = ladder(classifier, Request(TEXT, deleted=(2, 3)))
    assert all(r.scores[2] == r.scores[3] == 0 for r in found.rungs)
    assert {r.tau.n for r in found.rungs[1:]} == {11}


def test_nothing_to_read_is_refused():
    with pytest.raises(PoolScopeError, match="no word to read"):
        ladder(tiny(), Request(" "))
