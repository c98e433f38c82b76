"""Open a pretrained encoder once and share it: module, vocabulary and word table."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

from models.pretrained.pieces import PieceVocabulary
from models.pretrained.source import PretrainedError, digest, locate, words_digest

_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A ``transformers`` encoder, frozen and in evaluation mode, shared by all who open it.

    ``module`` maps ``inputs_embeds`` (B, T, E) to states (B, T, D) of every layer; ``table`` (V, E)
    are its word embeddings, which the classifier looks ids up in.
    """

    source: str
    sha256: str
    words_sha256: str
    module: nn.Module
    vocabulary: PieceVocabulary
    table: Tensor
    layers: int
    state_size: int

    def entry(self) -> dict[str, Any]:
        """Return what a card says about where the classifier's words come from."""
        return {
            "name": "pretrained", "base": self.source, "sha256": self.sha256, "words_sha256": self.words_sha256,
            "shared": True, "method": "word embeddings of the pretrained encoder, frozen",
        }  # fmt: skip

    def copy(self, own: Callable[[str], bool]) -> nn.Module:
        """Return a module of its own for the parameters that ``own`` names, sharing all others."""
        shared: dict[int, Any] = {id(p): p for name, p in self.module.named_parameters() if not own(name)}
        shared |= {id(b): b for b in self.module.buffers()}
        return copy.deepcopy(self.module, shared)


def open_pretrained(source: str) -> Pretrained:
    """Open ``source`` (see :func:`~models.pretrained.source.locate`), once per process.

    Raises:
        PretrainedError: it is not here, not whole, or not an encoder that reads ``inputs_embeds``.
    """
    with _LOCK:
        return _open(source)


@lru_cache(maxsize=2)
def _open(source: str) -> Pretrained:
    folder = locate(source)
    # A second and a half of imports, and nobody else's: other encoders load without them.
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        module: Any = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
        config = module.config
        unknown = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else 0
        mask = tokenizer.mask_token_id if tokenizer.mask_token_id is not None else unknown
        # Positions from 0 for BERT; RoBERTa's begin after its padding id.
        limit = int(config.max_position_embeddings) - (config.pad_token_id + 1 if "roberta" in config.model_type else 0)
        vocabulary = PieceVocabulary(tokenizer.backend_tokenizer, limit, unknown, mask)
        module = module.eval().requires_grad_(False)
        table = module.get_input_embeddings().weight.detach()
        layers, size = int(config.num_hidden_layers), int(config.hidden_size)
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise PretrainedError(
            f"{source!r} could not be opened as an encoder ({reason}); expected one such as BERT, DistilBERT or MiniLM"
        ) from error
    return Pretrained(source, digest(folder), words_digest(folder), module, vocabulary, table, layers, size)
