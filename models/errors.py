"""The one family of errors whose message is meant for the person at the screen."""


class PoolScopeError(ValueError):
    """Bad input, told in one sentence: what came, what was expected, what to do."""
