"""``python -m models``: train, explain and keep the zoo from the command line."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence

# OpenMP's spinning threads make small batches slow; this must stand before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import models.commands
from models.errors import PoolScopeError
from models.registry import UnknownNameError


def parser() -> argparse.ArgumentParser:
    """Return the parser with every subcommand that ``models.commands`` holds."""
    top = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    subparsers = top.add_subparsers(metavar="COMMAND", required=True)
    for info in pkgutil.iter_modules(models.commands.__path__):
        module = importlib.import_module(f"models.commands.{info.name}")
        if hasattr(module, "register"):
            module.register(subparsers)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; bad input ends in one sentence on standard error and exit status 2."""
    args = parser().parse_args(argv)
    try:
        return int(args.run(args))
    except (PoolScopeError, UnknownNameError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
