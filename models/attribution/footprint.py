"""How much memory a forward pass holds at its fullest moment, measured and not guessed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Footprint(TorchDispatchMode):
    """Within ``with Footprint() as held:``, ``held.peak`` is the most bytes of tensors alive at once.

    Counted are the tensors that operators return in this thread, each storage once, until it is
    freed; those of ``besides``, such as weights that an operator returns a view of, are not. Scratch space
    inside one kernel is not seen. Nothing is hooked into the model, the numbers computed are the same, and the
    peak of one pass is the same every time. The price is some microseconds per operator.
    """

    def __init__(self, besides: Iterable[Tensor] = ()) -> None:
        """Start from nothing alive but ``besides``."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch annotates all of its class but this
        self.live = 0
        self.peak = 0
        self._counted: set[int] = {tensor.untyped_storage()._cdata for tensor in besides}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing is compiled here, and the guard for it would import the compiler: five seconds.
        return False

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  # whatever the operator returns  # fmt: skip
        """Run one operator and count what it returns."""
        found = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(found):
            if isinstance(leaf, Tensor):
                self._count(leaf)
        return found

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._counted:
            return
        self._counted.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._freed, key, size)

    def _freed(self, key: int, size: int) -> None:
        self._counted.discard(key)
        self.live -= size
