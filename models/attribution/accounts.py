"""What one visitor's perturbed texts came to, whoever asks for them next."""

from __future__ import annotations

from typing import Final
from weakref import ref

from torch import Tensor

from models.attribution.bounded import Bounded
from models.attribution.shelf import SHELF, Shelf
from models.attribution.states import MOST_BYTES as STATES_BYTES
from models.attribution.states import States

MOST_ROWS: Final = 32_768
ROWS_BYTES: Final = 64 * 2**20
# A stored row beside its ids and logits: key, tensor and their places in the mapping.
ROW_BYTES: Final = 1_024
MOST_TEXTS: Final = 64
TEXTS_BYTES: Final = 16 * 2**20


class Accounts:
    """The book that the ledgers of one visitor share: a row of ids is sent through a classifier once.

    A :class:`~models.attribution.ledger.Ledger` lives as long as one reading of a text; its rows live here, by the
    digest of the classifier and the ids alone. Logits depend on nothing else: another class, scalar, method,
    experiment, or an edit that leads to the same words finds them. A classifier without a digest, and a copy
    with other weights under the same one (:func:`~models.experiments.sanity.forgetful`), must not be given a book.

    - ``rows``: logits (C,) by digest and ids: 32,768 rows and 64 MiB, whichever is full first.
    - ``texts``: states (1, T, D) of whole texts by the digest of the encoder and ids: 64 texts, 16 MiB.
    - ``states``: those of perturbed texts where readers share an encoder: 128 MiB (:class:`States`).

    All open books together have a bound too, 1 GiB: a book that was not used for long is then emptied, and its
    visitor's next request reads again what it needs (:class:`~models.attribution.shelf.Shelf`).

    *Whose.* One visitor's, never shared: it holds what somebody typed, as numbers of words, and ends with the
    session. Nor would sharing be exact. Which rows stood together in a batch decides the last bits of a
    logit, so a visitor's numbers would depend on what others did a moment before; as it is, a classifier may be
    shared by any number of threads, each with a book of its own, and all get the bits of a single thread. The
    few threads of one visitor may share the book: they then see each other's rows, equal up to floating-point
    noise (1e-6), and may compute the same row at the same time, which both count as a forward pass.
    """

    def __init__(
        self, rows: int = MOST_ROWS, size: int = ROWS_BYTES, states: int = STATES_BYTES, shelf: Shelf = SHELF
    ) -> None:
        """Open an empty book for so many ``rows`` of ``size`` bytes, and ``states`` bytes of states, on ``shelf``."""
        # Weak, for a ring of references would outlive its session where the collector no longer looks.
        here = ref(self)

        def told() -> None:
            book = here()
            if book is not None:
                shelf.used(book)

        self.rows: Bounded[tuple[str, bytes], Tensor] = Bounded(rows, size, told)
        self.texts: Bounded[tuple[str, bytes], Tensor] = Bounded(MOST_TEXTS, TEXTS_BYTES, told)
        self.states = States(states, told)

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self.rows.size + self.texts.size + self.states.size

    def empty(self) -> None:
        """Forget everything; what comes next is kept."""
        self.rows.empty()
        self.texts.empty()
        self.states.empty()

    def close(self) -> None:
        """Forget everything, and keep nothing from now on."""
        self.rows.close()
        self.texts.close()
        self.states.expect(())


def row_bytes(key: bytes, logits: Tensor) -> int:
    """What a row takes, at most, with its ids as bytes and its logits (C,)."""
    return ROW_BYTES + len(key) + logits.nbytes
