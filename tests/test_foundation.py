"""What holds the project together: pins, the app's settings, the wall around the tests."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
import torch

REQUIREMENTS = ["requirements.txt", "requirements-pretrained.txt", "requirements-train.txt", "requirements-test.txt"]


def pins(text: str) -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return dict(line.split("==") for line in lines if line and not line.startswith("-r "))


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_to_what_runs_here(root, name):
    for package, version in pins((root / name).read_text()).items():
        try:
            installed = metadata.version(package)
        except metadata.PackageNotFoundError:
            assert name == "requirements-train.txt", f"{package} is not installed"
            continue
        assert installed.partition("+")[0] == version, package


def test_torch_stands_first_so_that_nothing_pulls_another_build(root):
    assert next(iter(pins((root / "requirements.txt").read_text()))) == "torch"


def test_every_top_level_import_of_the_app_is_required(root):
    code = (
        "import importlib.metadata as m, ast, pathlib, json, sys\n"
        "names = set()\n"
        "for folder in ('models', 'viz', 'pages'):\n"
        "    for file in pathlib.Path(folder).rglob('*.py'):\n"
        "        for node in ast.walk(ast.parse(file.read_text())):\n"
        "            if isinstance(node, ast.Import): names |= {a.name.split('.')[0] for a in node.names}\n"
        "            if isinstance(node, ast.ImportFrom) and not node.level and node.module:\n"
        "                names.add(node.module.split('.')[0])\n"
        "names -= set(sys.stdlib_module_names) | {'models', 'viz', 'pages'}\n"
        "owners = m.packages_distributions()\n"
        "print(json.dumps(sorted({d for n in names for d in owners.get(n, [n])})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    required = {
        re.sub(r"[-_.]+", "-", package).lower()
        for name in ("requirements.txt", "requirements-train.txt")
        for package in pins((root / name).read_text())
    }
    imported = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r'"([^"]+)"', done.stdout)}
    assert imported <= required, f"imported but not required: {sorted(imported - required)}"


def test_the_app_asks_nothing_of_the_outside_world(root):
    config = tomllib.loads((root / ".streamlit" / "config.toml").read_text())
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["address"] == "127.0.0.1"
    assert config["server"]["showEmailPrompt"] is False
    assert config["client"]["showErrorLinks"] is False


def test_streamlit_knows_every_setting(root):
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "config", "show"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "is not a valid config option" not in done.stdout + done.stderr
    # After a preamble, settings that were made stand there as TOML, all others as comments.
    shown = tomllib.loads(done.stdout[done.stdout.index("\n[") :])

    def flatten(table, prefix=""):
        for key, value in table.items():
            if isinstance(value, dict):
                yield from flatten(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", value

    expected = dict(flatten(tomllib.loads((root / ".streamlit" / "config.toml").read_text())))
    found = dict(flatten(shown))
    assert {key: found.get(key) for key in expected} == expected


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper", "least"),
    [
        ("textColor", "backgroundColor", 7.0),
        ("textColor", "secondaryBackgroundColor", 7.0),
        ("linkColor", "backgroundColor", 4.5),
        ("primaryColor", "backgroundColor", 3.0),
    ],
)
def test_both_themes_are_legible_by_wcag(root, theme, ink, paper, least):
    colours = tomllib.loads((root / ".streamlit" / "config.toml").read_text())["theme"][theme]
    dark, light = sorted(luminance(colours[name]) for name in (ink, paper))
    assert (light + 0.05) / (dark + 0.05) >= least


def test_the_contrast_formula_gives_the_known_extremes():
    assert (luminance("#ffffff") + 0.05) / (luminance("#000000") + 0.05) == pytest.approx(21)


@pytest.mark.parametrize(
    "leave",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.2),
        lambda: socket.socket().connect_ex(("192.0.2.1", 80)),
        lambda: socket.getaddrinfo("example.org", 443),
        lambda: socket.gethostbyname("example.org"),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", 0, ("192.0.2.1", 53)),
        lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
    ],
)
def test_no_test_leaves_this_machine(leave):
    with pytest.raises(RuntimeError, match="a test tried to reach"):
        leave()


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        socket.create_connection(("localhost", port), timeout=5).close()
    with socket.socket(type=socket.SOCK_DGRAM) as mailbox:
        assert mailbox.sendto(b"x", ("127.0.0.1", port)) == 1


def test_torch_has_one_thread():
    assert torch.get_num_threads() == 1
