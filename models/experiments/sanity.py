"""Sanity checks: does a map notice that the reader has forgotten what it learned?"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

from models.attribution import METHODS
from models.attribution.base import AttributionMethod, seed_field
from models.attribution.reading import Reading
from models.classifier import PoolingClassifier
from models.experiment_records import Sanity, SanityCell
from models.experiments.base import Experiment, NotHereError
from models.experiments.frozen import Frozen
from models.metrics.agreement import KENDALL
from models.records import Param

PARTS: Final = (("head", "the head"), ("pooler", "the pooler"), ("encoder", "the encoder"))
# Enough steps for an order of words; a map of a forgetful reader may never meet the usual tolerance.
MAPS: Final[Mapping[str, Mapping[str, Param]]] = {
    "attention": {}, "exact_share": {}, "saliency": {}, "input_gradient": {},
    "integrated_gradients": {"max_steps": 32}, "leave_one_out": {},
}  # fmt: skip
DRAWS: Final = 2
ROUNDING: Final = 1e-6
# Half of a pretrained encoder, and never read: the classifier's own table stands in for it.
UNREAD: Final = "word_embeddings"


@dataclass(frozen=True, slots=True)
class SanityParams:
    """The seed of the first draw."""

    seed: int = seed_field()


class SanityChecks(Experiment):
    """Kendall τ_b between each map and the same map once the head, the pooler or the encoder is randomised.

    The entries of every learned tensor of one part are dealt to other places by chance (its distribution stays, what
    was learned goes), the other parts stay trained; two draws, of a large encoder or a long text one. Only a private
    copy of that part is touched. The class explained stays the one that the trained reader predicts.
    """

    name = "sanity"
    title = "Sanity checks"
    question = "Does a map change when the reader forgets what it learned?"
    claim = (
        "A map that looks the same for a reader that has forgotten what it learned cannot be explaining what it "
        "learned, say Adebayo et al."
    )
    protocol = (
        "In a private copy, what one part has learned is shuffled: the head, the pooler, the encoder, one at a time. "
        "Every map is drawn again for the same class and compared with the first one by Kendall's τ_b; the mean over "
        "draws."
    )
    source = "Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim, NeurIPS 2018"
    ends = (
        "τ near 1, or “unchanged”: the map did not notice what was forgotten. Near 0: it lost its order, as a map that "
        "depends on that part should."
    )
    shows = "A map that stays the same when a part has forgotten everything cannot tell what that part had learned."
    shows_not = (
        "It does not show that a map that changes is right; and a map may rightly ignore a part it does not claim to "
        "explain, as attention ignores the head."
    )
    Params = SanityParams

    def run(self, frozen: Frozen) -> Sanity:
        """Draw every map, forget, draw again."""
        if frozen.count < 2:
            raise NotHereError("One word has no order to compare; type at least two.")
        # No path, no removals, one draw where reading takes long.
        few = frozen.costly
        methods = [METHODS[name](**params) for name, params in MAPS.items()]
        methods = [method for method in methods if not few or method.family not in ("path", "perturbation")]
        draws = 1 if few else DRAWS
        before = [_map(method, frozen.reading, frozen) for method in methods]
        parts, cells, skipped = [], [], []
        owners = _owners(frozen)
        for part, title in PARTS:
            module: nn.Module = getattr(frozen.classifier, part)
            if not any(True for _ in module.parameters()):
                skipped.append((part, f"{_name(frozen.classifier, part)} has learned nothing that could be forgotten."))
                continue
            parts.append((part, title))
            after: list[list[tuple[float, ...] | str]] = []
            for draw in range(draws):
                forgot = forgetful(frozen.classifier, part, self.params.seed + 100 * draw)
                reading = Reading(forgot, frozen.reading.ids[0].tolist(), owners)
                after.append([_map(method, reading, frozen) for method in methods])
            cells += [
                _cell(part, method, old, [drawn[place] for drawn in after])
                for place, (method, old) in enumerate(zip(methods, before, strict=True))
            ]
        return Sanity(tuple(parts), tuple(cells), tuple(skipped), draws)


def forgetful(classifier: PoolingClassifier, part: str, seed: int) -> PoolingClassifier:
    """Return a classifier that shares all but one part, a copy whose tensors have their entries shuffled.

    Word embeddings that came with an encoder and are not read by it are not copied.
    """
    # A shallow copy with its own table of modules: registering the new part leaves the shared one alone.
    other = copy.copy(classifier)
    other._modules = dict(classifier._modules)
    module: nn.Module = getattr(classifier, part)
    generator = torch.Generator().manual_seed(seed)
    # What a deep copy finds here it takes instead of copying.
    instead: dict[int, nn.Parameter] = {}
    with torch.no_grad():
        for name, value in module.named_parameters():
            dealt = value
            if UNREAD not in name:
                order = torch.randperm(value.numel(), generator=generator).to(value.device)
                dealt = nn.Parameter(value.flatten()[order].view_as(value), requires_grad=False)
            instead[id(value)] = dealt
    other._modules[part] = copy.deepcopy(module, instead).eval()
    return other


def _map(method: AttributionMethod, reading: Reading, frozen: Frozen) -> tuple[float, ...] | str:
    """The map over words (n,), sizes where it has no sign, or the reason why there is none."""
    found = frozen.scores(method, reading)
    return found if method.signed or isinstance(found, str) else tuple(map(abs, found))


def _cell(
    part: str, method: AttributionMethod, old: tuple[float, ...] | str, new: list[tuple[float, ...] | str]
) -> SanityCell:
    """Compare one map with its draws."""
    drawn = [values for values in new if not isinstance(values, str)]
    if isinstance(old, str) or not drawn:
        said = old if isinstance(old, str) else str(new[0])
        return SanityCell(part, method.name, method.title, (), False, said)
    found = [KENDALL(old, values, names=("before", "after")) for values in drawn]
    reference = np.asarray(old)
    size = max(float(np.abs(reference).max()), 1e-300)
    same = all(float(np.abs(reference - np.asarray(values)).max()) <= ROUNDING * size for values in drawn)
    reason = next((tau.reason for tau in found if tau.value is None), None)
    return SanityCell(part, method.name, method.title, tuple(tau.value for tau in found), same, reason)


def _owners(frozen: Frozen) -> list[int]:
    """The word of each of the T ids, −1 for none."""
    owners = [-1] * len(frozen.reading)
    for place, unit in zip(frozen.places.tolist(), frozen.unit.tolist(), strict=True):
        owners[place] = unit
    return owners


def _name(classifier: PoolingClassifier, part: str) -> str:
    """What a part is called."""
    return f"{classifier.pooler.title} pooling" if part == "pooler" else f"The {part}"
