"""Bags of words against scikit-learn: the vectors, the decisions, and parts that sum to them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from toy_bags import matrix_of, toy_bags

from models.baselines.corpus import CRITERIA, Corpus, Selection, vectors
from models.baselines.features import Features
from models.baselines.kinds import BASELINES
from models.text import WordTokenizer

TOKENIZER = WordTokenizer()
SETTINGS = {"logistic": {"C": 3.0}, "linear_svm": {"C": 0.3}, "naive_bayes": {"alpha": 0.3}, "tree": {"leaves": 12}}


def pairs_of(text):
    words = TOKENIZER.words(text)
    return words + [f"{a} {b}" for a, b in zip(words, words[1:], strict=False)]


@pytest.fixture(scope="module", params=[2, 3])
def corpus(request):
    return Corpus(toy_bags(classes=request.param))


def everything(corpus):
    chosen = corpus.choose(Selection(pairs=True, by="frequency", limit=10_000))
    return chosen, corpus.features(chosen)


def trained(corpus, name):
    chosen, features = everything(corpus)
    kind = BASELINES[name]
    matrix = corpus.matrix("train", chosen, kind.reads)
    return kind.fit(matrix, corpus.labels["train"], SETTINGS[name]), features, matrix


def learner(name):
    return {
        "logistic": lambda: LogisticRegression(C=3.0, max_iter=1000),
        "linear_svm": lambda: LinearSVC(C=0.3, random_state=1, max_iter=5000),
        "naive_bayes": lambda: MultinomialNB(alpha=0.3),
        "tree": lambda: DecisionTreeClassifier(max_leaf_nodes=12, min_samples_leaf=3, random_state=1),
    }[name]()


def texts_of(corpus):
    return corpus.dataset.splits["test"].texts


def test_candidates_are_what_a_count_vectorizer_finds(corpus):
    texts = corpus.dataset.splits["train"].texts
    oracle = CountVectorizer(analyzer=pairs_of, min_df=2)
    counts = oracle.fit_transform(texts)
    assert sorted(corpus.candidates.names) == sorted(oracle.get_feature_names_out())
    columns = [oracle.vocabulary_[name] for name in corpus.candidates.names]
    assert (corpus.candidates.frequency == np.asarray((counts > 0).sum(0)).ravel()[columns]).all()
    mine = corpus.matrix("train", np.arange(len(corpus.candidates)), "counts")
    assert (mine.toarray() == counts[:, columns].toarray()).all()


@pytest.mark.parametrize("reads", ["tfidf", "counts", "presence"])
def test_vectors_are_those_of_scikit_learn(corpus, reads):
    chosen, features = everything(corpus)
    texts = corpus.dataset.splits["validation"].texts
    oracle = CountVectorizer(analyzer=pairs_of, vocabulary={name: j for j, name in enumerate(features.names)})
    counts = oracle.transform(texts)
    if reads == "tfidf":
        train = oracle.transform(corpus.dataset.splits["train"].texts)
        expected = TfidfTransformer(sublinear_tf=True).fit(train).transform(counts).toarray()
    else:
        expected = counts.toarray() if reads == "counts" else (counts > 0).toarray() * 1.0
    assert matrix_of(features, texts, reads).toarray() == pytest.approx(expected, abs=1e-12)
    assert corpus.matrix("validation", chosen, reads).toarray() == pytest.approx(expected, abs=1e-12)


def test_the_best_features_by_chi2_are_those_of_scikit_learn(corpus):
    from sklearn.feature_selection import SelectKBest, chi2

    present = corpus.matrix("train", np.arange(len(corpus.candidates)), "presence")
    best = SelectKBest(chi2, k=6).fit(present, corpus.labels["train"])
    chosen = corpus.choose(Selection(pairs=True, by="chi2", limit=6))
    # A tie at the border may be broken either way, so the scores are compared.
    assert sorted(best.scores_[chosen]) == pytest.approx(sorted(best.scores_[best.get_support()]))
    assert {"great", "fine"} & {corpus.candidates.names[j] for j in chosen}


@pytest.mark.parametrize("by", CRITERIA)
def test_words_alone_and_the_limit_are_kept(corpus, by):
    chosen = corpus.choose(Selection(pairs=False, by=by, limit=5))
    assert len(chosen) == 5
    assert (np.diff(chosen) > 0).all()
    assert all(" " not in name for name in corpus.features(chosen).names)
    if by == "frequency":
        least = corpus.candidates.frequency[chosen].min()
        alone = [j for j, name in enumerate(corpus.candidates.names) if " " not in name and j not in chosen]
        assert (corpus.candidates.frequency[alone] <= least).all()


@pytest.mark.parametrize("name", list(BASELINES))
def test_decisions_are_those_of_scikit_learn(corpus, name):
    model, features, train = trained(corpus, name)
    test = matrix_of(features, texts_of(corpus), model.reads)
    oracle = learner(name).fit(train, corpus.labels["train"])
    rows = list(vectors(test))
    values = np.stack([model.decide(row) for row in rows])
    probabilities = np.stack([model.probabilities(row) for row in values])
    if name == "naive_bayes":
        joint = np.stack([model.joint(row) for row in rows])
        assert joint == pytest.approx(oracle.predict_joint_log_proba(test), abs=1e-5)
        assert values - values[:, :1] == pytest.approx(joint - joint[:, :1], abs=1e-9)
    elif name == "tree":
        assert values == pytest.approx(oracle.predict_proba(test), abs=1e-9)
    elif values.shape[1] == 2:
        assert values[:, 1] - values[:, 0] == pytest.approx(oracle.decision_function(test), abs=1e-5)
    else:
        assert values == pytest.approx(oracle.decision_function(test), abs=1e-5)
    if name != "linear_svm":
        assert np.log(probabilities + 1e-300) == pytest.approx(np.log(oracle.predict_proba(test) + 1e-300), abs=1e-5)
    assert (values.argmax(1) == oracle.predict(test)).all()


@pytest.mark.parametrize("name", list(BASELINES))
def test_parts_sum_to_the_decision_for_every_class(corpus, name):
    model, features, _ = trained(corpus, name)
    for text in texts_of(corpus)[:20]:
        row = features.vector(TOKENIZER.words(text), model.reads)
        for target, value in enumerate(model.decide(row)):
            parts = model.parts(row, target)
            assert len(parts.present) == len(row.ids)
            assert parts.total == pytest.approx(value, abs=1e-10)


def test_linear_parts_are_weight_times_tfidf(corpus):
    model, features, train = trained(corpus, "logistic")
    oracle = learner("logistic").fit(train, corpus.labels["train"])
    row = features.vector(TOKENIZER.words("a great plot"), "tfidf")
    expected = oracle.coef_[-1, row.ids] * row.values / (2 if len(oracle.coef_) == 1 else 1)
    assert model.parts(row, model.shape()[0] - 1).present == pytest.approx(expected, abs=1e-6)


def test_naive_bayes_parts_of_two_classes_are_log_odds():
    corpus = Corpus(toy_bags(classes=2))
    model, features, train = trained(corpus, "naive_bayes")
    oracle = learner("naive_bayes").fit(train, corpus.labels["train"])
    row = features.vector(TOKENIZER.words("great great plot"), "counts")
    odds = oracle.feature_log_prob_[1, row.ids] - oracle.feature_log_prob_[0, row.ids]
    one, zero = model.parts(row, 1), model.parts(row, 0)
    assert one.present - zero.present == pytest.approx(odds * row.values, abs=1e-9)
    assert one.start - zero.start == pytest.approx(np.diff(oracle.class_log_prior_)[0], abs=1e-9)


def test_tree_credits_each_step_to_the_word_asked_for(corpus):
    model, features, train = trained(corpus, "tree")
    oracle = learner("tree").fit(train, corpus.labels["train"]).tree_
    text = texts_of(corpus)[0]
    row = features.vector(TOKENIZER.words(text), "presence")
    have, node, credits = set(row.ids), 0, {}
    while oracle.children_left[node] >= 0:
        feature = oracle.feature[node]
        child = (oracle.children_right if feature in have else oracle.children_left)[node]
        credits[feature] = credits.get(feature, 0) + oracle.value[child, 0, 1] - oracle.value[node, 0, 1]
        node = child
    parts = model.parts(row, 1)
    found = dict(zip(row.ids, parts.present, strict=True)) | dict(parts.absent)
    assert parts.absent
    assert {j for j, _ in parts.absent}.isdisjoint(have)
    assert {j: found[j] for j in credits} == pytest.approx(credits, abs=1e-9)
    assert sum(found.values()) == pytest.approx(sum(credits.values()), abs=1e-9)


@pytest.mark.parametrize("name", ["logistic", "linear_svm"])
def test_smaller_forms_stay_close_and_the_last_is_the_trained_one(corpus, name):
    model, features, _ = trained(corpus, name)
    row = features.vector(TOKENIZER.words(texts_of(corpus)[0]), "tfidf")
    forms = dict(model.stored())
    assert list(forms) == ["8 bits", "16 bits", "32 bits"]
    assert forms["32 bits"] is model
    largest = np.abs(model.arrays["weights"]).max()
    for form, tolerance in (("8 bits", largest / 127), ("16 bits", largest / 1024)):
        assert forms[form].arrays["weights"].itemsize == int(form.split()[0]) // 8
        moved = np.abs(forms[form].decide(row) - model.decide(row)).max()
        assert 0 < moved < tolerance * np.abs(row.values).sum()


def test_counts_beyond_a_byte_survive():
    kind = BASELINES["naive_bayes"]
    matrix = np.array([[300, 0, 2], [1, 70_000, 0]])
    model, oracle = kind.fit(matrix, np.array([0, 1]), {"alpha": 1.0}), MultinomialNB().fit(matrix, [0, 1])
    features = Features(["a", "b", "c"], np.array([2, 1, 1]), 2)
    row = features.vector(["a", "b", "b", "c"], "counts")
    expected = oracle.predict_joint_log_proba(np.array([[1, 2, 1]]))[0]
    assert model.joint(row) == pytest.approx(expected, abs=1e-9)
    assert model.arrays["counts"].itemsize == 1


def test_a_text_without_any_known_word_gets_what_was_known_before(corpus):
    for name in BASELINES:
        model, features, _ = trained(corpus, name)
        row = features.vector(["zzz", "", "yyy"], model.reads)
        parts = model.parts(row, 0)
        assert len(row.ids) == 0
        assert parts.total == pytest.approx(model.decide(row)[0], abs=1e-12)
        assert np.isfinite(model.probabilities(model.decide(row))).all()
