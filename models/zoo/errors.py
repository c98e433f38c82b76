"""The zoo's own error."""

from models.errors import PoolScopeError


class ZooError(PoolScopeError):
    """A classifier that is missing, damaged or not ours, told in one sentence."""
