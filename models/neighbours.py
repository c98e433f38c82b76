"""The words near one word, in a classifier's own word table, and what each would do in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from models.analysis import predicted, prepare
from models.attribution.accounts import Accounts
from models.attribution.ledger import Ledger
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.records import Neighbour, Neighbours, Request, Substitute

Space = Literal["embedding", "state"]
# States of so many words at once: a few megabytes, however large the vocabulary is.
ROWS = 4_096
# The single-precision product picks so many more than asked for; double precision then orders them.
SPARE = 100


@torch.no_grad()
def neighbours(classifier: PoolingClassifier, word: str, k: int = 10, space: Space = "embedding") -> Neighbours:
    """Return the ``k`` words whose vectors have the largest cosine with that of ``word``.

    cos(u, v) = u·v / (‖u‖ ‖v‖). ``space="embedding"`` compares rows of the word table, ``"state"``
    compares h = encode(row) of an encoder without context, where a word has one state wherever it
    stands. Reserved rows are left out, pieces of words too; equal similarities stand in the
    vocabulary's order, which is by frequency. One matrix product over the shared table (V, E).

    Raises:
        PoolScopeError: fewer than one neighbour asked for, an unknown space, or states of an
            encoder that reads neighbours.
    """
    _check(classifier, k, space)
    vocabulary = classifier.vocabulary
    whole = torch.as_tensor(vocabulary.whole(), dtype=torch.long)
    ids = vocabulary.pieces(word)
    place = (whole == ids[0]).nonzero().flatten() if len(ids) == 1 else whole[:0]
    if not len(place):
        return Neighbours(word, space, known=False, size=len(whole), reason=_unknown(classifier, word, ids))
    vectors = _vectors(classifier, whole, space)
    norms = vectors.norm(dim=1)
    own, norm = vectors[place[0]], float(norms[place[0]])
    similar = vectors @ own / (norms * norm).clamp_min(torch.finfo(norms.dtype).tiny)
    # A zero vector points nowhere and is near to nothing.
    similar[norms == 0] = -torch.inf
    similar[place] = -torch.inf
    count = int((similar > -torch.inf).sum()) if norm else 0
    return Neighbours(
        word=word,
        space=space,
        known=True,
        size=len(whole),
        near=_nearest(classifier, whole, vectors, own, similar.topk(min(k + SPARE, count)).indices)[:k],
        rank=vocabulary.rank(ids[0]),
        norm=norm,
        median_norm=float(norms.median()),
        reason=None if count else "Its vector is zero or stands alone, so no word is near it.",
    )


def substitutes(
    classifier: PoolingClassifier, request: Request, index: int, words: Sequence[str], accounts: Accounts | None = None
) -> tuple[Substitute, ...]:
    """Predict with each of ``words`` at place ``index`` (of the unedited text), all in one batch.

    Texts that ``accounts`` has already are not read again. Other edits of the request stay; a masked word is
    replaced as well.

    Raises:
        PoolScopeError: no such word in the text, or it is deleted.
    """
    text = prepare(classifier, request)
    if not 0 <= index < len(text.tokens):
        last = len(text.tokens) - 1
        raise PoolScopeError(f"The text has tokens 0 to {last}, got {index}; choose one of them.")
    if index not in text.kept:
        raise PoolScopeError(f"Token {index + 1} is deleted and cannot be replaced; restore it first.")
    if not words:
        return ()
    # The ids of a word stand side by side.
    start, end = text.owners.index(index), len(text.owners) - text.owners[::-1].index(index)
    rows = [[*text.ids[:start], *classifier.vocabulary.pieces(word), *text.ids[end:]] for word in words]
    logits = Ledger(classifier, accounts=accounts).logits(rows)
    return tuple(Substitute(index, word, predicted(classifier, row)) for word, row in zip(words, logits, strict=True))


def _check(classifier: PoolingClassifier, k: int, space: str) -> None:
    if classifier.training:
        raise PoolScopeError("The classifier is in training mode; call its eval() before it is asked.")
    if k < 1:
        raise PoolScopeError(f"{k} neighbours were asked for; expected 1 or more")
    if space not in ("embedding", "state"):
        raise PoolScopeError(f"unknown space {space!r}; choose one of: embedding, state")
    if space == "state" and classifier.encoder.contextual:
        raise PoolScopeError(
            f"The {classifier.encoder.title} encoder reads a word with its neighbours, so a word by itself has no "
            "state; compare word vectors instead."
        )


def _vectors(classifier: PoolingClassifier, whole: Tensor, space: Space) -> Tensor:
    """The vectors (W, E) or states (W, D) of the whole words."""
    rows = classifier.alone(whole)
    if space == "embedding":
        return rows
    # Texts of one word each.
    alone = rows.unsqueeze(1)
    mask = torch.ones(alone.shape[:2], dtype=torch.bool)
    parts = zip(alone.split(ROWS), mask.split(ROWS), strict=True)
    return torch.cat([classifier.encode(*part) for part in parts]).squeeze(1)


def _nearest(
    classifier: PoolingClassifier, whole: Tensor, vectors: Tensor, own: Tensor, picked: Tensor
) -> tuple[Neighbour, ...]:
    """The picked words in double precision, nearest first, equals in the vocabulary's order."""
    picked = picked.sort().values
    exact, point = vectors[picked].double(), own.double()
    dots = exact @ point
    cosines = (dots / (exact.norm(dim=1) * point.norm())).clamp(-1, 1)
    # Equal rows may differ in their last bits, depending on where they stand in the product.
    cosines, order = cosines.mul(1e12).round().div(1e12).sort(descending=True, stable=True)
    vocabulary, ids = classifier.vocabulary, whole[picked[order]].tolist()
    return tuple(
        Neighbour(vocabulary.spelling(index), cosine, dot, vocabulary.rank(index))
        for index, cosine, dot in zip(ids, cosines.tolist(), dots[order].tolist(), strict=True)
    )


def _unknown(classifier: PoolingClassifier, word: str, ids: Sequence[int]) -> str:
    """Why a word has no row of its own."""
    if len(ids) > 1:
        parts = " ".join(classifier.vocabulary.words[index] for index in ids)
        return f"“{word}” is read in {len(ids)} pieces ({parts}), so it has no vector of its own."
    return f"“{word}” is not in the vocabulary: it is read as the unknown word, and so has no vector of its own."
