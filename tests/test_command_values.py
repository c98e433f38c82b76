"""What commands share: values in the types they mean, names without torch, and flags that do what they say."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from toy_data import recipe, toy

from models.__main__ import parser
from models.commands.explain import parse_calls
from models.commands.names import names
from models.commands.values import named_value, options, parsed
from models.encoders import ENCODERS
from models.errors import PoolScopeError
from models.poolers import POOLERS
from models.zoo import sweep


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-3", -3), ("0.5", 0.5), ("1e-3", 1e-3), ("true", True), ("False", False), ("B", "B"),
        ("relu_clip", "relu_clip"), ("3 heads", "3 heads"),
    ],
)  # fmt: skip
def test_a_value_is_what_it_looks_like(text, value):
    assert parsed(text) == value
    assert type(parsed(text)) is type(value)
    assert named_value(f" name = {text} ", "it", "that") == ("name", value)


def test_options_and_parameters_are_read_by_one_rule():
    assert options(["k=2", "then=query", "per_dimension=true", "a=b=c"]) == (
        ("k", 2), ("then", "query"), ("per_dimension", True), ("a", "b=c"),
    )  # fmt: skip
    assert parse_calls("saliency[norm=l1, x=true]")[0].params == (("norm", "l1"), ("x", True))


@pytest.mark.parametrize("text", ["reading", "=B", "reading=", " = "])
def test_half_a_pair_is_refused_in_the_commands_own_words(text):
    with pytest.raises(PoolScopeError, match="^the option .* came; expected NAME=VALUE, such as reading=B$"):
        options([text])
    with pytest.raises(PoolScopeError, match="^The parameter .* came; expected name=value, such as norm=l1.$"):
        parse_calls(f"saliency[{text}]")


@pytest.mark.parametrize(("package", "registry"), [("encoders", ENCODERS), ("poolers", POOLERS)])
def test_the_names_in_the_help_are_the_registered_ones(package, registry):
    assert names(package) == list(registry)


@pytest.mark.parametrize("words", ["--help", "train --help", "zoo build --help", "pretrain --help", "study --help"])
def test_help_waits_for_nothing_heavy(words, root):
    code = (
        "import sys\nfrom models.__main__ import main\n"
        f"try:\n    main({words.split()!r})\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'numpy', 'transformers', 'sklearn', 'pandas') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    assert said.startswith("usage: ")
    assert said.splitlines()[-1] == "[]"


def test_the_zoo_is_built_with_the_one_thread_it_was_shipped_with():
    assert parser().parse_args(["zoo", "build"]).threads == 1


def test_only_picks_what_the_sweep_trains(tmp_path, monkeypatch):
    data, trained = toy(train=32), []
    plain = recipe(epochs=1)
    runs = [("group", kind, replace(plain, pooler=kind)) for kind in ("mean", "max", "gem")]
    monkeypatch.setattr(sweep, "runs", lambda _: iter(runs))
    log = tmp_path / "log.jsonl"
    setting = sweep.Setting("toy", "toy", 32)
    train = sweep.train

    def noted(made, *args, **fields):
        trained.append(made.pooler)
        return train(made, *args, **fields)

    monkeypatch.setattr(sweep, "train", noted)
    sweep.sweep(setting, data, None, log, only="/ma")
    assert trained == ["max"]
    sweep.sweep(setting, data, None, log)
    assert trained == ["max", "mean", "gem"]
    assert [record["variant"] for record in sweep.read_log(log)] == trained
