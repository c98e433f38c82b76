"""``python -m models explain``: tables for people, records for programs, one sentence for mistakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest
import torch
from tiny_classifiers import LABELS, SMALL, TEXT, WORDS, tiny

from models.__main__ import main
from models.analysis import analyse
from models.assemble import assemble
from models.attribution import METHODS
from models.commands.explain import parse_calls, parse_target
from models.errors import PoolScopeError
from models.records import MethodCall, Request
from models.report import as_text, printable, table
from models.text import Vocabulary
from models.training.recipe import Recipe
from models.zoo.store import load_classifier, write
from models.zoo.word_tables import write_table

MODEL = "toy/bilstm/apln"
USUAL = [name for name, method in METHODS.items() if not method.on_demand]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """A folder with two random classifiers, written the way the shipped ones are."""
    folder = tmp_path_factory.mktemp("zoo")
    for pooler in ("apln", "mean"):
        torch.manual_seed(1)
        recipe = Recipe("toy", "bilstm", pooler, encoder_options=SMALL["bilstm"], embedding_size=6, max_tokens=40)
        classifier = assemble(recipe, LABELS, Vocabulary(WORDS))
        entry = write_table(folder / "toy", f"words-{pooler}", classifier.vocabulary, classifier.table.weight.detach())
        write(folder / "toy", classifier, recipe, entry, {})
    return folder


@pytest.fixture
def explain(zoo, capsys):
    """Run the command; return exit status, standard output, standard error."""

    def run(*arguments):
        status = main(["explain", *arguments, "--zoo", str(zoo)])
        return status, *capsys.readouterr()

    return run


def test_json_is_the_whole_analysis_with_digest_and_versions(explain, zoo):
    status, out, err = explain(TEXT, "--model", MODEL, "--json")
    record = json.loads(out)
    classifier = load_classifier(MODEL, zoo)
    expected = analyse(classifier, Request(TEXT, tuple(map(MethodCall, USUAL))))
    assert (status, err) == (0, "")
    assert record["model"]["digest"] == classifier.spec.digest
    assert len(record["model"]["digest"]) == 64
    assert record["software"]["torch"] == version("torch")
    assert {"python", "torch", "captum", "numpy", "scipy"} <= set(record["software"])
    assert record["request"]["text"] == TEXT
    assert [t["text"] for t in record["tokens"]] == TEXT.split()
    assert record["prediction"]["probabilities"] == list(expected.prediction.probabilities)
    assert [a["method"] for a in record["attributions"]] == USUAL
    scores = [a.scores and list(a.scores) for a in expected.attributions]
    assert [a["scores"] for a in record["attributions"]] == scores
    assert sum(one is not None for one in scores) > 6
    assert len(record["agreements"]) == len(expected.agreements)


def test_the_table_shows_every_token_every_method_the_error_and_the_grid(explain):
    status, out, _ = explain(TEXT, "--model", MODEL)
    lines = out.splitlines()
    assert status == 0
    assert lines[0].startswith("BiLSTM · APLN (toy/bilstm/apln, weights ")
    assert lines[1].startswith("prediction: ")
    start = next(i for i, line in enumerate(lines) if line.startswith("#"))
    shown = [name for name in USUAL if METHODS[name]().why_not(tiny("bilstm", "apln")) is None]
    assert lines[start].split() == ["#", "token", *shown]
    rows = [line.split() for line in lines[start + 1 : start + 14]]
    assert [(row[0], row[1]) for row in rows] == [(str(i), word) for i, word in enumerate(TEXT.split())]
    assert all(len(row) == 2 + len(shown) for row in rows)
    assert "rollout: The BiLSTM encoder has no self-attention to follow from layer to layer." in lines
    assert lines[start + 14].startswith("Δ")
    assert any(line.startswith("Kendall τ_b") for line in lines)
    assert "maps without a sign are compared by size" in lines


def test_what_is_costly_or_a_control_is_there_for_who_names_it(explain):
    assert set(METHODS) - set(USUAL) == {
        "kernel_shap", "lime", "random_map", "reversed_attention", "shapley_exact", "shapley_sampling", "uniform_map",
    }  # fmt: skip
    arguments = ("--model", MODEL, "--methods", "shapley_sampling[permutations=8, seed=2],leave_one_out,lime", "--json")
    record = json.loads(explain(TEXT, *arguments)[1])
    sampled, removed, fitted = record["attributions"]
    assert len(sampled["errors"]) == 13
    assert min(sampled["errors"]) > 0
    assert 0 < fitted["fit"] < 1
    assert removed["errors"] is None
    assert record["forwards"] == sum(a["forwards"] - a["reused"] for a in record["attributions"])
    # One order's last step but one leaves out one word, as leave-one-out does for each.
    assert record["reused"] >= removed["reused"] > 0


def test_methods_target_and_edits_are_obeyed(explain):
    arguments = ("--model", MODEL, "--methods", "saliency[norm=l1], input_gradient[attention=detached]",
                 "--target", "FOR", "--delete", "0,1", "--mask", "4", "--json")  # fmt: skip
    record = json.loads(explain(TEXT, *arguments)[1])
    assert record["target"] == 2
    assert [t["state"] for t in record["tokens"]][:5] == ["deleted", "deleted", "kept", "kept", "masked"]
    assert [(a["method"], a["params"]) for a in record["attributions"]] == [
        ("saliency", [["norm", "l1"]]),
        ("input_gradient", [["attention", "detached"]]),
    ]


def test_a_contrast_and_a_probability_are_explained_and_named(explain):
    call = ("--model", MODEL, "--methods", "input_gradient", "--target", "for")
    record = json.loads(explain(TEXT, *call, "--against", "between", "--json")[1])
    assert [(a["target"], a["against"], a["scalar"]) for a in record["attributions"]] == [(2, 1, "logit")]
    assert "target: the logit of “for” over “between”" in explain(TEXT, *call, "--against", "1")[1]
    assert "target: the probability of “for”" in explain(TEXT, *call, "--scalar", "probability")[1]
    assert "target: the margin of “for” over the next class" in explain(TEXT, *call, "--scalar", "margin")[1]


def test_what_cannot_be_shown_is_said_under_the_table(explain):
    out = explain("a longer text that is cut " * 10, "--model", "toy/bilstm/mean")[1]
    assert "attention: Mean pooling has no attention weights to show." in out
    assert "cut: the last 20 tokens were not read" in out
    out = explain("film", "--model", MODEL)[1]
    assert "leave_one_out: The text has one token only" in out
    assert "A ranking needs two tokens or more; this text has 1." in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("", "--model", MODEL), "There is no word to read"),
        (
            (TEXT, "--model", "toy/bilstm/gem"),
            "there is no classifier 'toy/bilstm/gem'; choose one of: toy/bilstm/apln",
        ),
        ((TEXT, "--model", MODEL, "--methods", "magic"), "unknown attribution method 'magic'"),
        ((TEXT, "--model", MODEL, "--methods", "saliency[norm"), "expected names such as"),
        ((TEXT, "--model", MODEL, "--methods", "saliency[norm]"), "expected name=value"),
        ((TEXT, "--model", MODEL, "--target", "sideways"), "no class 'sideways'; choose one of: against, between, for"),
        ((TEXT, "--model", MODEL, "--delete", "77"), "tokens 0 to 12, got 77"),
        ((TEXT, "--model", MODEL, "--against", "7"), "no class '7'; choose one of: against, between, for"),
        ((TEXT, "--model", MODEL, "--against", "0", "--scalar", "margin"), "compared by their logits"),
    ],
)
def test_mistakes_are_one_sentence_on_standard_error(explain, arguments, sentence):
    status, out, err = explain(*arguments)
    assert status == 2
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_bad_token_number_is_refused_by_the_parser(explain, capsys):
    with pytest.raises(SystemExit) as stop:
        explain(TEXT, "--model", MODEL, "--mask", "two")
    assert stop.value.code == 2
    assert "expected token numbers from 0" in capsys.readouterr().err


def test_it_runs_as_a_program(zoo, root):
    command = [
        sys.executable,
        "-m",
        "models",
        "explain",
        "not bad",
        "--model",
        MODEL,
        "--zoo",
        str(zoo),
        "--methods",
        "attention",
    ]
    done = subprocess.run(command, cwd=root, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "0  not" in done.stdout


def test_calls_and_targets_are_parsed():
    assert parse_calls("") == ()
    assert parse_calls(" attention ,saliency") == (MethodCall("attention"), MethodCall("saliency"))
    assert parse_calls("integrated_gradients[tolerance=0.05,max_steps=64]") == (
        MethodCall("integrated_gradients", (("tolerance", 0.05), ("max_steps", 64))),
    )
    assert parse_target(None, LABELS) is None
    assert parse_target("1", LABELS) == parse_target("Between", LABELS) == 1
    with pytest.raises(PoolScopeError):
        parse_target("3", LABELS)


def test_a_terminal_is_never_given_orders():
    assert printable("a\x1b[31mb\x07") == "a�[31mb�"


def test_wide_and_combining_characters_keep_the_columns_straight():
    lines = table([["1", "电影", "0.5"], ["2", "e\u0301", "0.25"], ["3", "film", "1"]]).splitlines()
    assert lines == ["1  电影   0.5", "2  e\u0301     0.25", "3  film     1"]


def test_an_escape_in_a_link_does_not_reach_the_screen(zoo):
    found = analyse(load_classifier(MODEL, zoo), Request("http://x/\x1b[31m bad", (MethodCall("attention"),)))
    assert "\x1b" not in as_text(found)
