"""A decision tree on the presence of words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.baselines.features import Floats, Vector, smallest
from models.baselines.kinds.base import Baseline, Parts, Setting


class Tree(Baseline):
    """Decision tree (CART, Gini): every node asks whether one word, or pair, stands in the text.

    The value of a class is its share of the training texts in the leaf that is reached. Saabas'
    decomposition is exact: share(leaf) = share(root) + Σ over the path of (share(child) −
    share(node)), each step credited to the word its node asks for. A step taken because the word
    is *not* there belongs to no word of the text; it is told apart as an absent word.
    """

    name = "tree"
    title = "Decision tree"
    formula = r"\mathrm{share}_c(\mathrm{root}) + \sum_{\mathrm{path}} \Delta\,\mathrm{share}_c"
    source = "scikit-learn DecisionTreeClassifier; Saabas 2014 (treeinterpreter)"
    note = "A chain of questions, “does this word stand in the text?”; words that are not there decide too."
    start = "the class's share of all training texts"
    reads = "presence"
    scalar = "probability"
    grid = tuple({"leaves": leaves} for leaves in (32, 128, 512))

    @classmethod
    def fit(cls, matrix: Any, labels: NDArray[np.int64], setting: Setting) -> Self:  # noqa: ANN401  # scipy's CSR
        """Grow best first to at most ``leaves`` leaves of three texts or more."""
        from sklearn.tree import DecisionTreeClassifier

        leaves = int(setting["leaves"])
        grown = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=3, random_state=1).fit(matrix, labels)
        tree = grown.tree_
        texts = np.rint(tree.value[:, 0] * tree.n_node_samples[:, None]).astype(np.int64)
        leaf = tree.children_left < 0
        return cls(
            {
                "feature": np.where(leaf, -1, tree.feature).astype(np.int32),
                "without": tree.children_left.astype(np.int16),
                "with": tree.children_right.astype(np.int16),
                "texts": smallest(texts),
            }
        )

    def prepare(self) -> None:
        """Shares (nodes, C) from the numbers of training texts."""
        texts = self.arrays["texts"].astype(np.float64)
        self._shares: Floats = texts / texts.sum(1, keepdims=True)

    def shape(self) -> tuple[int, int]:
        """Return classes, and one more than the largest feature asked for.

        Raises:
            ValueError: a branch leads nowhere or back, so a text might never reach a leaf.
        """
        nodes, places = len(self._shares), np.arange(len(self._shares))
        for name in ("without", "with"):
            branch = self.arrays[name]
            if branch.shape != (nodes,) or bool(((branch <= places) & (branch >= 0)).any()) or branch.max() >= nodes:
                raise ValueError("the branches of the tree do not fit its nodes")
        if bool(((self.arrays["feature"] < 0) != (self.arrays["without"] < 0)).any()):
            raise ValueError("a node of the tree asks for nothing")
        return self._shares.shape[1], int(self.arrays["feature"].max()) + 1

    def path(self, vector: Vector) -> Iterator[tuple[int, int, bool, int]]:
        """Yield (node, feature asked for, whether the text has it, next node) from the root to the leaf."""
        have, node = set(vector.ids.tolist()), 0
        while (feature := int(self.arrays["feature"][node])) >= 0:
            there = feature in have
            child = int(self.arrays["with" if there else "without"][node])
            yield node, feature, there, child
            node = child

    def decide(self, vector: Vector) -> Floats:
        """Return the shares of the classes in the leaf (C,)."""
        leaf = 0
        for _, _, _, child in self.path(vector):
            leaf = child
        return np.asarray(self._shares[leaf])

    def probabilities(self, values: Floats) -> Floats:
        """The shares are probabilities already."""
        return values

    def parts(self, vector: Vector, target: int) -> Parts:
        """Return the share at the root and what every step adds, by the feature asked for."""
        present = dict.fromkeys(vector.ids.tolist(), 0.0)
        absent: dict[int, float] = {}
        for node, feature, there, child in self.path(vector):
            credited = present if there else absent
            step = float(self._shares[child, target] - self._shares[node, target])
            credited[feature] = credited.get(feature, 0.0) + step
        return Parts(float(self._shares[0, target]), np.array(list(present.values())), tuple(absent.items()))
