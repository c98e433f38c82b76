"""The command line, one subcommand per file; each has ``register(subparsers)``."""
