"""What every pooler promises, and the checks that make the promise hold.

A pooler turns token states (B, T, D) into one vector (B, R), R mostly D, ignoring padding exactly. The base
class validates and words the errors; a subclass holds the formula and nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import PoolScopeError
from models.masking import masked_softmax, zero_padding
from models.records import Parameter
from models.shared import Shared, pieces
from models.text import Vocabulary


class Pooler(nn.Module, ABC):
    """Base of all poolers: hidden (B, T, D) and mask (B, T) → pooled (B, R).

    Besides the vector a pooler tells how it came about: :meth:`attention` gives the weights it
    attended with, :meth:`shares` each token's part of every dimension, :meth:`contributions` the
    exact additive decomposition Σ_i contribution_i = pooled, by Euler's theorem on homogeneous functions.

    Class facts: ``attends``, there are weights and they can be imposed; ``sparse``, a real token may weigh
    exactly 0; ``positional``, the order of the tokens matters; ``homogeneous``, the pooled vector scales
    with the states while the attention is held; ``path_integrated``, it does not, and the contributions
    are integrals along the straight path from the ``reference`` instead; ``surrogate``, what a
    gradient through the pooler leaves out or puts something else in place of, as a sentence; empty where
    it is the derivative of what is computed.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    attends: ClassVar[bool] = False
    sparse: ClassVar[bool] = False
    positional: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = True
    path_integrated: ClassVar[bool] = False
    surrogate: ClassVar[str] = ""
    reference: ClassVar[str] = "h = 0"
    divides: ClassVar[Literal["states", "pooled"]] = "states"

    tiered: ClassVar[bool] = False

    def __init__(self, state_size: int) -> None:
        """Remember the width D of the token states."""
        super().__init__()
        if state_size < 1:
            raise PoolScopeError(f"state_size came as {state_size}; a pooler needs at least one dimension")
        self.state_size = state_size

    @property
    def output_size(self) -> int:
        """Width of the pooled vector; D unless a subclass says otherwise."""
        return self.state_size

    @property
    def variant(self) -> str:
        """What tells this pooler from one of its class with the usual options, in a few words; mostly nothing."""
        return ""

    def forward(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Pool after checking; ``weights`` (B, T) imposes an attention in place of the learned one.

        Imposed weights are taken as they are; to be an attention they should sum to 1.
        """
        self.check(hidden, mask, weights)
        # Zeros here, at the border: NaN on padding would otherwise reach the gradients of parameters.
        return self.pool(zero_padding(hidden, mask.bool()), mask, weights)

    @abstractmethod
    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Compute the formula on checked input: (B, T, D) → (B, R), R the ``output_size``."""

    @abstractmethod
    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return w (B, T, R) ≥ 0 with Σ_i w_id = 1: token i's part of dimension d.

        Where the shares are the weights themselves and weights are imposed, the sum is theirs.
        """

    def pool_shared(self, shared: Shared, mask: Tensor) -> Tensor:
        """Pool states that stand in several places at once (B, R), as :meth:`pool` would; for evaluation."""
        # In pieces: all states at once would fall out of the processor's caches.
        pooled = []
        for start, stop, length in pieces(mask.bool().sum(1).tolist()):
            here = mask[start:stop, :length]
            pooled.append(self.pool(zero_padding(shared.part(start, stop, length).spread(), here.bool()), here))
        return torch.cat(pooled)

    def attention(self, hidden: Tensor, mask: Tensor) -> Tensor | None:
        """Return the attention weights (B, T), or ``None`` for a pooler that has none."""
        return None

    def own_weights(self, hidden: Tensor, mask: Tensor) -> Tensor | None:
        """Return the weights that, imposed, give back the pooler's own vector.

        The attention (B, T); where it is the mean of k maps (hops, heads), all of them (B, T, k).
        """
        return self.attention(hidden, mask)

    def effective(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor | None:
        """Return the attention that acts once a norm has sharpened it, or ``None``."""
        return None

    def values(self, hidden: Tensor) -> Tensor:
        """Return what the weights weigh (B, T, ·): the states, unless a subclass projects them first."""
        return hidden

    def held(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Pool (B, R) with the attention of these very states taken as constants of every derivative."""
        weights = self.own_weights(hidden.detach(), mask)
        pooled: Tensor = self(hidden, mask, None if weights is None else weights.detach())
        return pooled

    def grouped(self, vocabulary: Vocabulary, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the mask (B, T) that every other method takes: ``mask`` itself.

        For a ``tiered`` pooler, which reads sentence by sentence, it is the number of each token's
        sentence, from 1, and 0 on padding.
        """
        return mask

    def maps(self, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return further maps (B, T) worth showing besides the attention, by name: hops, heads, tiers."""
        return {}

    def objective(self, hidden: Tensor, mask: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
        """Return what training minimises, a scalar; ``loss`` maps pooled (B, R) to losses (B,).

        The mean loss, unless a pooler adds a penalty or learns from sampled choices. Evaluation
        never comes here.
        """
        return loss(self(hidden, mask)).mean()

    def contributions(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return c (B, T, R) with Σ_i c_id = r_d exactly (Euler's theorem).

        Poolers that average states give w_id h_id, norm poolers w_id r_d.

        Raises:
            PoolScopeError: the pooler is neither homogeneous nor path-integrated.
        """
        if not (self.homogeneous or self.path_integrated):
            raise PoolScopeError(
                f"{self.title} is not homogeneous in the states, so its vector has no exact split by token"
            )
        self.check(hidden, mask, weights)
        hidden = zero_padding(hidden, mask.bool())
        shares = self.shares(hidden, mask, weights)
        return self.divided(shares, hidden if self.divides == "states" else self.pool(hidden, mask, weights))

    def divided(self, shares: Tensor, whole: Tensor) -> Tensor:
        """Return the contributions (B, T, R) that ``shares`` (B, T, R) make of what the pooler ``divides``.

        ``whole`` are the states (B, T, D), zeros on padding, or the pooled vector (B, R).
        """
        return shares * (whole if self.divides == "states" else whole.unsqueeze(1))

    def learned(self) -> tuple[Parameter, ...]:
        """Report the learned quantities worth showing: value now, value at the start, domain."""
        return ()

    def check(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> None:
        """Refuse what the formula has no meaning for, in one sentence."""
        if hidden.dim() != 3 or hidden.shape[-1] != self.state_size:
            raise PoolScopeError(
                f"{self.name}: hidden came as {tuple(hidden.shape)}; expected (B, T, {self.state_size})"
            )
        kinds = (torch.bool, torch.long) if self.tiered else (torch.bool,)
        if mask.dtype not in kinds or mask.shape != hidden.shape[:2]:
            raise PoolScopeError(
                f"{self.name}: mask came as {mask.dtype} {tuple(mask.shape)}; "
                f"expected bool {tuple(hidden.shape[:2])}, True on real tokens"
            )
        read = mask.any(1)
        if not bool(read.all()):
            empty = (~read).nonzero().flatten().tolist()
            raise PoolScopeError(
                f"{self.name}: rows {empty} hold only padding; give every text one token or more"
            )
        if weights is None:
            return
        if not self.attends:
            raise PoolScopeError(f"{self.name}: has no attention, so no weights can be imposed on it")
        if weights.shape != mask.shape:
            raise PoolScopeError(
                f"{self.name}: weights came as {tuple(weights.shape)}; expected {tuple(mask.shape)}"
            )
        given = zero_padding(weights, mask.bool())
        if not bool(((given >= 0) & given.isfinite()).all()) or not bool((given.sum(1) > 0).all()):
            raise PoolScopeError(
                f"{self.name}: imposed weights must be finite, ≥ 0 and have a positive sum on real tokens"
            )


class AttentionPooler(Pooler):
    """Base of poolers that attend: scores s (B, T), token by token → a = softmax(s) over real tokens → Σ_i a_i h_i."""

    attends = True

    @abstractmethod
    def scores(self, hidden: Tensor) -> Tensor:
        """Return the attention logits s (B, T)."""

    def normalise(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Turn logits s (B, T) into weights: a = softmax(s), exactly 0 on padding, unless a subclass says otherwise."""
        return masked_softmax(scores, mask)

    def attention(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return a = normalise(s)."""
        return self.normalise(self.scores(hidden), mask)

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return Σ_i a_i h_i."""
        a = self.attention(hidden, mask) if weights is None else zero_padding(weights, mask)
        return torch.einsum("bt,btd->bd", a, zero_padding(hidden, mask))

    def pool_shared(self, shared: Shared, mask: Tensor) -> Tensor:
        """Score each distinct state once, or each part of it, and sum without spreading the states."""
        scores = self.scores_shared(shared, mask)
        if scores is None or shared.index is None:
            return super().pool_shared(shared, mask)
        a = self.normalise(scores, mask)
        sides = shared.index.unbind(-1) if shared.sides else (shared.index,)
        parts = [F.embedding_bag(side, shared.states, mode="sum", per_sample_weights=a) for side in sides]
        return torch.cat(parts, dim=1)

    def scores_shared(self, shared: Shared, mask: Tensor) -> Tensor | None:
        """Return the attention logits (B, T) of states by reference, any on padding; ``None`` where it is no faster."""
        if shared.index is None or shared.sides:
            return None
        return self.scores(shared.states.unsqueeze(0))[0][shared.index]

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return a_i, the same in every dimension."""
        a = self.attention(hidden, mask) if weights is None else zero_padding(weights, mask)
        return a.unsqueeze(-1).expand(-1, -1, self.state_size)
