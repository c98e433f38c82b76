"""The caches: in one file, bounded, and never sharing what a visitor typed."""

from __future__ import annotations

import ast
import os

import pytest
from app_zoo import ROOT, make_zoo

from models.zoo.catalogue import SHIPPED
from pages import _cache


def caches(path):
    """(decorator's name, its keywords, the arguments of the function) of every cached function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for decorator in getattr(node, "decorator_list", ()):
            call = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(call, ast.Attribute) and call.attr.startswith("cache_"):
                written = [k for k in getattr(decorator, "keywords", ()) if k.arg != "on_release"]
                keywords = {k.arg: ast.literal_eval(k.value) for k in written}
                yield call.attr, keywords, {argument.arg for argument in node.args.args}


def test_streamlits_caches_are_used_in_one_file_only():
    assert list(caches(ROOT / "pages" / "_cache.py"))
    others = [path for path in (ROOT / "pages").glob("*.py") if path.name != "_cache.py"]
    assert len(others) > 10
    for path in (*others, ROOT / "app.py"):
        assert list(caches(path)) == [], path


def test_every_cache_is_bounded_and_whatever_sees_a_text_belongs_to_one_session():
    texts = 0
    for name, keywords, arguments in caches(ROOT / "pages" / "_cache.py"):
        assert "max_entries" in keywords or not arguments
        if {"request", "word"} & arguments:
            texts += 1
            assert (name, keywords["scope"]) == ("cache_data", "session")
        assert not any(argument.startswith("_") for argument in arguments)
    assert texts == 14
    # Maps are kept by the desk, one per session, which ends with it.
    (own,) = [(keywords, arguments) for name, keywords, arguments in caches(ROOT / "pages" / "_cache.py")
              if (name, keywords.get("scope")) == ("cache_resource", "session")]  # fmt: skip
    assert own == ({"max_entries": 1, "scope": "session", "show_spinner": False}, set())


def test_the_shipped_zoo_is_the_default_and_others_stand_beside_it(monkeypatch, tmp_path):
    monkeypatch.delenv(_cache.ZOO, raising=False)
    assert _cache.folders() == (SHIPPED,)
    monkeypatch.setenv(_cache.ZOO, os.pathsep.join(("shipped", str(tmp_path))))
    assert _cache.folders() == (SHIPPED, tmp_path)
    monkeypatch.setenv(_cache.ZOO, " ")
    assert _cache.folders() == (SHIPPED,)


@pytest.mark.filterwarnings("ignore")
def test_a_new_classifier_appears_without_a_restart(monkeypatch, tmp_path):
    import app_zoo

    monkeypatch.setattr(app_zoo, "READERS", (("bilstm", "mean"),))
    monkeypatch.setenv(_cache.ZOO, str(make_zoo(tmp_path, {"one": ("a", "b")})))
    assert [card.spec.id for card in _cache.zoo().cards] == ["one/bilstm/mean"]
    make_zoo(tmp_path, {"two": ("a", "b")})
    assert [card.spec.id for card in _cache.zoo().cards] == ["one/bilstm/mean", "two/bilstm/mean"]
