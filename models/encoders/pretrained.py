"""Any pretrained ``transformers`` encoder, frozen or with its biases, a low-rank addition or all of it tuned."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Self

import torch
from torch import Tensor, nn

from models.encoders.base import Encoder
from models.encoders.low_rank import adapt
from models.errors import PoolScopeError
from models.records import Parameter

TUNE: Final = ("none", "biases", "low_rank", "all")
LAYERS: Final = ("mix", "last")


class PretrainedEncoder(Encoder):
    """A pretrained Transformer encoder: h_i = Σ_l s_l h_i^{(l)}, s = softmax(λ) over its layers.

    With ``layers="mix"`` the layers' weights s are learned (the scalar mix of Peters et al., γ = 1:
    the pooler and head can scale) and shown, l = 0 being the embeddings; ``"last"`` takes the last
    layer as it is. The encoder reads its own sub-word pieces and special tokens; what it starts
    from is ``inputs_embeds``, equal to its ids, so gradients to the embeddings are exact.

    ``tune`` says what training moves besides the mix: nothing, the biases (BitFit, Ben Zaken et
    al. 2022: a thousandth of the weights, so a tuned encoder is a small file), the biases and an addition of
    ``rank`` R to every linear map (LoRA, Hu et al. 2022: some hundredths at R = 8), or everything.
    Frozen parameters are shared by all classifiers of the process and stored by none.
    """

    name = "pretrained"
    title = "Pretrained"
    formula = r"h_i = \sum_l s_l\,h^{(l)}_i,\quad s = \mathrm{softmax}(\lambda)"
    source = "Devlin et al., NAACL 2019; all-MiniLM-L6-v2: Wang et al. 2020, Reimers & Gurevych 2019"
    contextual: ClassVar[bool] = True
    self_attends: ClassVar[bool] = True

    def __init__(
        self, embedding_size: int, base: str = "minilm", layers: str = "mix", tune: str = "none", rank: int = 8
    ) -> None:
        """Open ``base`` (``"minilm"``, a folder, a hub id fetched before); E must be its embedding width.

        Raises:
            PoolScopeError: an unknown choice, an encoder that is not here, or another E.
        """
        super().__init__()
        for what, value, choices in (("layers", layers, LAYERS), ("tune", tune, TUNE)):
            if value not in choices:
                raise PoolScopeError(
                    f"unknown {what} {value!r} of pretrained; choose one of: {', '.join(choices)}"
                )
        if rank < 1:
            raise PoolScopeError(f"rank of pretrained came as {rank}; expected 1 or more")
        from models.pretrained.base import open_pretrained

        opened = open_pretrained(base)
        if embedding_size != opened.table.shape[1]:
            raise PoolScopeError(
                f"pretrained: embeddings of width {embedding_size} came; {base!r} reads width {opened.table.shape[1]}"
            )
        self.base, self.layers, self.tune = base, layers, tune
        self.state_size = opened.state_size
        self.module: Any = opened.copy(self._tuned) if tune != "none" else opened.module
        if tune == "low_rank":
            adapt(self.module, rank)
        for name, parameter in self.module.named_parameters():
            if self._tuned(name):
                parameter.requires_grad_()
        self.mix = nn.Parameter(torch.zeros(opened.layers + 1)) if layers == "mix" else None

    def train(self, mode: bool = True) -> Self:
        """Switch mode, but leave the shared module in evaluation: its dropout must never be on."""
        super().train(mode)
        if self.tune == "none":
            self.module.eval()
        return self

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Run the Transformer on embeddings (B, T, E): (B, T, D)."""
        return self.mixed(self.all_layers(embeddings, mask))

    def all_layers(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the states of every layer (L+1, B, T, D), the embeddings' layer first; (1, …) without a mix."""
        found = self.module(
            inputs_embeds=embeddings, attention_mask=mask.long(), output_hidden_states=self.mix is not None
        )
        return torch.stack(found.hidden_states) if self.mix is not None else found.last_hidden_state.unsqueeze(0)

    def mixed(self, states: Tensor) -> Tensor:
        """Mix the layers (L+1, B, T, D) by their learned weights."""
        if self.mix is None:
            return states[0]
        return torch.einsum("l,lbtd->btd", self.mix.softmax(0), states)

    def learned(self) -> tuple[Parameter, ...]:
        """Report the weight of each layer."""
        if self.mix is None:
            return ()
        weights = tuple(self.mix.detach().softmax(0).tolist())
        start = (1 / len(weights),) * len(weights)
        return (Parameter("s", weights, start, "weight of each layer, embeddings first", "simplex"),)

    def depths(self, layers: int) -> tuple[float, ...]:
        """Return the learned mix, or 1 for the last layer."""
        return super().depths(layers) if self.mix is None else tuple(self.mix.detach().softmax(0).tolist())

    def foreign(self) -> frozenset[str]:
        """Name what belongs to the base: all that training does not move, the word embeddings always."""
        state = self.module.state_dict(prefix="module.")
        return frozenset(name for name in state if not self._tuned(name.removeprefix("module.")))

    def lexicon(self) -> dict[str, Any]:
        """Name the base, whose word embeddings and pieces the classifier reads by."""
        from models.pretrained.base import open_pretrained

        return open_pretrained(self.base).entry()

    def _tuned(self, name: str) -> bool:
        # Word embeddings are the classifier's table; the copy inside the module is never read.
        if "word_embeddings" in name or self.tune == "none":
            return False
        tuned = (".bias", ".down", ".up") if self.tune == "low_rank" else (".bias",)
        return self.tune == "all" or name.endswith(tuned)
