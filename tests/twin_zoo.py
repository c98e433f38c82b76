"""The page tests' zoo, with twins of its BiLSTM with attention: untrained, with cards as training would write them."""

from __future__ import annotations

from pathlib import Path

import torch
from app_zoo import OPTIONS, TASKS, WORDS, make_zoo

from models.assemble import assemble
from models.text import Vocabulary
from models.training.recipe import Recipe
from models.zoo.catalogue import find
from models.zoo.store import draft, put

BASE = "sst2/bilstm/attention"
FORBIDDEN = ["never", "bad", "great"]
EVEN = (("uniform", True),)
ADVERSARY = "sst2/bilstm/adversarial_0.1"
# Kind, encoder, recipe label, options of the pooler, what the card says besides, accuracy.
TWINS = (
    ("seed", "bilstm", "", (), {"jsd": 0.04, "tvd": 0.06}, 0.82),
    ("seed", "bilstm", "", (), {"jsd": 0.05, "tvd": 0.05}, 0.79),
    ("uniform", "bilstm", "uniform", EVEN, {"jsd": 0.2, "tvd": 0.08}, 0.8),
    ("adversarial", "bilstm", "adversarial_0.001", (), {"lambda": 0.001, "jsd": 0.03, "tvd": 0.04}, 0.8),
    ("adversarial", "bilstm", "adversarial_0.01", (), {"lambda": 0.01, "jsd": 0.3, "tvd": 0.05}, 0.8),
    ("adversarial", "bilstm", "adversarial_0.1", (), {"lambda": 0.1, "jsd": 0.66, "tvd": 0.09}, 0.7),
    ("deceptive", "bilstm", "deceptive_1", (),
     {"lambda": 1.0, "forbidden": FORBIDDEN, "mass_base": 0.41, "mass": 0.002, "jsd": 0.4, "tvd": 0.07}, 0.78),
    ("diversity", "bilstm", "diversity_0.5", (), {"lambda": 0.5, "conicity": 0.13, "conicity_base": 0.66}, 0.8),
    ("orthogonal", "orthogonal_lstm", "", (), {"conicity": 0.25, "conicity_base": 0.66}, 0.8),
    ("guided", "embedding", "guided_uniform", EVEN, {"weights": "uniform"}, 0.75),
    ("guided", "embedding", "guided_own", (), {"weights": "own"}, 0.76),
    ("guided", "embedding", "guided_base", EVEN, {"weights": "base", "guide": BASE}, 0.775),
    ("guided", "embedding", "guided_adversary", EVEN, {"weights": "adversary", "guide": ADVERSARY}, 0.6),
)  # fmt: skip


def make_twin_zoo(folder: Path, twins=TWINS) -> Path:
    """Write the zoo and its twins, the first seed being 2."""
    make_zoo(folder)
    base = find(BASE, folder)
    vocabulary = Vocabulary(list(dict.fromkeys(WORDS)))
    options = {**OPTIONS, "orthogonal_lstm": {"hidden_size": 4}}
    seed = 1
    for place, (kind, encoder, label, pooler, said, accuracy) in enumerate(twins):
        seed += kind == "seed"
        recipe = Recipe(
            "sst2", encoder, "attention", embedding_size=6, max_tokens=40, seed=seed if kind == "seed" else 1,
            label=label, encoder_options=tuple(options[encoder].items()), pooler_options=pooler,
        )  # fmt: skip
        torch.manual_seed(100 + place)
        classifier = assemble(recipe, TASKS["sst2"], vocabulary).eval()
        with torch.no_grad():
            classifier.head.weight.mul_(6)
            for parameter in classifier.pooler.parameters():
                parameter.mul_(4)
        twin = {"kind": kind, "of": BASE, "of_digest": base.spec.digest, "texts": 1234, **said}
        facts = {"twin": twin, "metrics": {"test": {"accuracy": accuracy, "macro_f1": accuracy}}}
        put(*draft(folder / "sst2", classifier, recipe, base.record["table"], facts))
    return folder
