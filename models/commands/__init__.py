"""The command line, one subcommand per file with a ``register(subparsers)``; the others are what these share."""
