"""The one place that leaves this machine: fetch a dataset from the hub, or say at once why not."""

from __future__ import annotations

import os
import socket
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from models.data.dataset import DataError

PATIENCE = 5.0  # seconds to wait for a first answer of the hub


def fetch(identity: str, config: str | None = None) -> Mapping[str, Any]:
    """Splits of a dataset by its hub id, or by the path of a local folder that ``datasets`` can read.

    Raises:
        DataError: the package is missing, the hub does not answer within :data:`PATIENCE`, or the
            library cannot read the dataset.
    """
    # Read by the library when it is first imported: bounded waits, and nothing told to anyone.
    for variable, value in (("DISABLE_TELEMETRY", "1"), ("ETAG_TIMEOUT", "10"), ("DOWNLOAD_TIMEOUT", "30")):
        os.environ.setdefault(f"HF_HUB_{variable}", value)
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            "reading from the hub needs the package datasets, which is not installed: "
            "pip install -r requirements-train.txt."
        ) from error
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    # Behind a proxy a direct connection says nothing.
    proxied = bool(urllib.request.getproxies().get(urlsplit(endpoint).scheme))
    if not (Path(identity).is_dir() or offline or proxied or reachable(endpoint)):
        raise DataError(
            f"the hub at {endpoint} does not answer: use a local folder or file, or set HF_HUB_OFFLINE=1 to "
            f"read {identity} from the cache if it was fetched before."
        )
    try:
        fetched: Mapping[str, Any] = datasets.load_dataset(identity, config)
    except Exception as error:  # the library raises errors of a dozen families for a wrong id or a lost line
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise DataError(
            f"{identity} cannot be read from the hub ({reason}): check the id, or use a local folder or file."
        ) from error
    return fetched


def reachable(endpoint: str, seconds: float = PATIENCE) -> bool:
    """Say within ``seconds`` whether a connection to ``endpoint`` opens, name look-up included."""
    parts = urlsplit(endpoint)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    opened = threading.Event()

    def knock() -> None:
        try:
            socket.create_connection((parts.hostname or "", port), timeout=seconds).close()
        except OSError:
            return
        opened.set()

    # A name look-up knows no timeout of its own, so it is left behind in a thread when it hangs.
    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(seconds)
    return opened.is_set()
