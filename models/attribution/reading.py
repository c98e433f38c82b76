"""One text as one classifier reads it, computed once and shared by every method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from models.attribution.accounts import Accounts
from models.attribution.ledger import Ledger, key_of
from models.attribution.target import Target, as_target, value
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError

TOKENS_PER_CHUNK = 4096
ROWS_PER_CHUNK = 128


@dataclass(frozen=True, slots=True)
class _Graph:
    """Embeddings (1, T, E), the states (1, T, D), vector (1, R) and logits (1, C) they became, and autograd's way back.

    The attention weights are on that way, and so is the encoder's first layer (1, T, K), if it has an affine one.
    """

    embeddings: Tensor
    lead: Tensor | None
    hidden: Tensor
    pooled: Tensor
    logits: Tensor


class Reading:
    """A single encoder pass over one text of T ids, with its graph kept for derivatives.

    ``ids`` (1, T), ``mask`` (1, T) all True, ``embeddings`` (1, T, E), ``hidden`` (1, T, D),
    ``weights`` (1, T) or ``None`` for poolers that do not attend, ``own_weights`` those of
    :meth:`~models.poolers.base.Pooler.own_weights`, ``pooled`` (1, R), ``logits``
    (1, C) and ``probabilities`` (1, C) are detached. ``mask`` is what the pooler takes, sentence
    numbers for one that reads in tiers. ``units`` holds the places of each word's ids. Derivatives
    are taken once and kept, because several methods need the same ones; so are the logits of
    perturbed texts, in ``ledger``. A reading belongs to one thread; the classifier behind it may be shared.

    With ``accounts`` the text's states are taken from there if some reader over the same encoder has read it. The
    graph is then made when the first derivative is asked for.
    """

    def __init__(
        self, classifier: PoolingClassifier, ids: Sequence[int], owners: Sequence[int] | None = None,
        accounts: Accounts | None = None,
    ) -> None:  # fmt: skip
        """Read ids; ``owners`` gives the word of each, −1 for none, as in ``Encoded`` (default: a word each).

        Raises:
            PoolScopeError: no token came, or the classifier is still in training mode, where
                dropout would make every number random.
        """
        if not ids:
            raise PoolScopeError("Nothing is left to read: no token came; expected one or more.")
        if classifier.training:
            raise PoolScopeError("The classifier is in training mode; call its eval() before it explains.")
        self.classifier = classifier
        self.ids = torch.tensor([list(ids)], dtype=torch.long, device=classifier.table.weight.device)
        self.mask = classifier.grouped(self.ids, torch.ones_like(self.ids, dtype=torch.bool))
        self.units = _units(range(len(ids)) if owners is None else owners)
        self._gradients: dict[tuple[str, Target, bool], Tensor] = {}
        name = (classifier.encoder_digest, key_of(ids))
        known = accounts.texts.found([name]) if accounts is not None else {}
        if known:
            self.embeddings, self.hidden = classifier.embed(self.ids).detach(), known[name]
            with torch.no_grad():
                self.pooled = classifier.pool(self.hidden, self.mask)
                self.logits = classifier.decide(self.pooled)
        else:
            graph = self._graph
            self.embeddings, self.hidden = graph.embeddings.detach(), graph.hidden.detach()
            self.pooled, self.logits = graph.pooled.detach(), graph.logits.detach()
            if accounts is not None and classifier.encoder_digest:
                accounts.texts.keep([(name, self.hidden, self.hidden.nbytes)])
        with torch.no_grad():
            own = self.own_weights = classifier.pooler.own_weights(self.hidden, self.mask)
            # Of several maps the attention is the mean; a single one is the attention.
            one = own is None or own.dim() == 2
            self.weights = own if one else classifier.pooler.attention(self.hidden, self.mask)
        self.probabilities = self.logits.softmax(-1)
        self.ledger = Ledger(classifier, (ids, self.logits[0]), accounts=accounts)

    def __len__(self) -> int:
        """Count the ids T."""
        return self.ids.shape[1]

    def placed(self, values: Iterable[float]) -> tuple[float, ...]:
        """Put one number per word of ``units`` at the word's first piece (T,), 0 elsewhere."""
        full = [0.0] * len(self)
        for places, number in zip(self.units, values, strict=True):
            full[places[0]] = float(number)
        return tuple(full)

    def logit(self, target: int) -> float:
        """The logit of class ``target``."""
        return float(self.logits[0, target])

    def value(self, target: Target | int) -> float:
        """The number F that ``target`` makes of the logits."""
        return value(as_target(target), self.logits)

    @cached_property
    @torch.no_grad()
    def shares(self) -> Tensor:
        """Each token's part (T, R) of every dimension of the pooled vector; see :meth:`Pooler.shares`."""
        return self.classifier.pooler.shares(self.hidden, self.mask)[0]

    def embedding_gradient(self, target: Target | int, *, detached: bool = False) -> Tensor:
        """∂F / ∂e_i, (T, E); ``detached`` holds the attention weights constant."""
        return self._gradient("embeddings", as_target(target), detached)

    def state_gradient(self, target: Target | int, *, detached: bool = False) -> Tensor:
        """∂F / ∂h_i, (T, D); ``detached`` holds the attention weights constant."""
        return self._gradient("hidden", as_target(target), detached)

    @property
    def lead(self) -> tuple[Tensor, Tensor | None]:
        """Return the embeddings, and what :meth:`Encoder.lead` made of them, with the way back to them."""
        return self._graph.embeddings, self._graph.lead

    @cached_property
    def _graph(self) -> _Graph:
        """The text's way through the classifier, to be differentiated again and again."""
        with torch.enable_grad(), differentiable(self.ids):
            embeddings = self.classifier.embed(self.ids).detach().requires_grad_()
            encoder, real = self.classifier.encoder, self.mask.bool()
            lead = encoder.lead(embeddings, real)
            hidden = self.classifier.encode(embeddings, self.mask) if lead is None else encoder.follow(lead, real)
            pooled = self.classifier.pool(hidden, self.mask)
            return _Graph(embeddings, lead, hidden, pooled, self.classifier.decide(pooled))

    def _gradient(self, source: str, target: Target, detached: bool) -> Tensor:
        # A pooler that does not attend has no weights to hold: detached and attached are one.
        detached = detached and self.weights is not None
        key = (source, target, detached)
        if key not in self._gradients:
            graph = self._graph
            with torch.enable_grad(), differentiable(self.ids):
                if detached:
                    logits = self.classifier.decide(self.classifier.pooler.held(graph.hidden, self.mask))
                else:
                    logits = graph.logits
                inputs = graph.embeddings if source == "embeddings" else graph.hidden
                (gradient,) = torch.autograd.grad(target(logits)[0], inputs, retain_graph=True)
            self._gradients[key] = gradient[0]
        return self._gradients[key]


def _units(owners: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return the places of each word's ids, in the order of the text; ids of no word are in none."""
    places: dict[int, list[int]] = {}
    for place, owner in enumerate(owners):
        if owner >= 0:
            places.setdefault(owner, []).append(place)
    return tuple(map(tuple, places.values()))


@contextmanager
def differentiable(like: Tensor) -> Iterator[None]:
    """Let a recurrent encoder be differentiated in eval mode on the device of ``like``.

    cuDNN refuses the backward pass of an RNN outside training mode; without cuDNN the same maths
    works on a GPU. On a CPU, where the app runs, nothing is changed (the flag is process-wide).
    """
    with torch.backends.cudnn.flags(enabled=False) if like.is_cuda else nullcontext():
        yield


def rows_per_chunk(tokens: int) -> int:
    """How many texts of ``tokens`` tokens go through the encoder at once: bounded work and memory."""
    return max(8, min(ROWS_PER_CHUNK, TOKENS_PER_CHUNK // max(1, tokens)))
