"""What the encoders made of a pretrained language model have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final, cast

from torch import Tensor, nn

from models.encoders.base import Encoder
from models.encoders.layer_mix import LayerMix
from models.errors import PoolScopeError
from models.masking import zero_padding
from models.pretraining.store import Base, open_base
from models.records import Parameter

NONE: Final = "none"


class BasedEncoder(Encoder):
    """An encoder whose body was trained as a language model: h = γ Σ_j s_j h_j over the body's layers.

    ``base`` names a shipped base (or a folder that ``python -m models pretrain`` wrote) and brings words,
    their table and the body's sizes with it; the table is never tuned. With ``tune=False`` the body
    too stays the base's: frozen, shared by all classifiers of the process and stored by none, and only
    the mix is learned. With ``tune=True`` the body is a copy that training moves and the classifier stores.
    ``base="none"`` is the same architecture from random weights over any word table, sizes from the options.
    """

    def __init__(self, embedding_size: int, base: str, tune: bool, sizes: dict[str, int], dropout: float) -> None:
        """Open the base, or draw a body of ``sizes``; E must be the base's.

        Raises:
            PoolScopeError: no such base, one of another kind or width, or sizes that do not fit each other.
        """
        super().__init__()
        base = "" if base == NONE else base
        self.tune = tune or not base
        self.base: Base | None = open_base(base) if base else None
        if self.base is None:
            self.body = self.build(embedding_size, sizes, dropout)
        else:
            width = int(self.base.table.shape[1])
            if self.base.kind != self.name or width != embedding_size:
                raise PoolScopeError(
                    f"{self.name}: the base {base!r} came ({self.base.kind}, words of width {width}) with embeddings "
                    f"of width {embedding_size}; expected a {self.name} base and its own word table"
                )
            self.body = self.build(width, self.base.sizes, dropout)
            own = {name: value.clone() for name, value in self.base.body.items()} if tune else self.base.body
            try:
                # assign: the frozen body's tensors are the base's own, not copies.
                self.body.load_state_dict(own, assign=True)
            except RuntimeError as error:
                raise PoolScopeError(
                    f"{self.name}: the sizes on the card of the base {base!r} are not those of its weights; restore it"
                ) from error
            self.body.requires_grad_(tune)
        self.state_size = cast(int, self.body.width)
        self.mix = LayerMix(cast(int, self.body.depth))

    @classmethod
    def named(cls, options: Mapping[str, Any]) -> Base | None:
        """Open the base that the options of a recipe name, the shipped one by default; ``None`` for no base.

        Raises:
            BaseError: no such base, or a damaged one.
        """
        name = str(options.get("base", cls.name))
        return open_base(name) if name not in ("", NONE) else None

    @abstractmethod
    def build(self, width: int, sizes: dict[str, int], dropout: float) -> nn.Module:
        """Return the body, a module with ``width``, ``depth`` and ``layers(embeddings, mask)``."""

    def layers(self, embeddings: Tensor, mask: Tensor) -> list[Tensor]:
        """Return the body's layers (B, T, D) of the tokens, the words' own first."""
        return cast(list[Tensor], self.body.layers(embeddings, mask))  # type: ignore[operator]  # as above

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Mix the layers; zeros on padding."""
        return zero_padding(self.mix(self.layers(embeddings, mask)), mask)

    def learned(self) -> tuple[Parameter, ...]:
        """Return the mix of the layers."""
        return self.mix.learned()

    def depths(self, layers: int) -> tuple[float, ...]:
        """Return the learned mix, its scale left out."""
        return tuple(self.mix.logits.detach().softmax(0).tolist())

    def foreign(self) -> frozenset[str]:
        """Return the body's names while it is the base's."""
        return frozenset() if self.tune else frozenset(f"body.{name}" for name in self.body.state_dict())

    def lexicon(self) -> dict[str, Any] | None:
        """Return the entry of the base's words, or ``None`` without a base."""
        return None if self.base is None else self.base.entry()
