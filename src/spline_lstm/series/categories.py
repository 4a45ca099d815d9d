"""Labels as numbers: ranks of dynamic categories, and codes of static ones."""

from typing import TypedDict

import numpy as np

from spline_lstm.types import Float64


class OrdinalState(TypedDict):
    """Ranks of the labels seen in training; a label becomes `rank / count`, an unseen one 0."""

    kind: str
    categories: list[str]


def fit_ordinal(codes: Float64, labels: tuple[str, ...]) -> OrdinalState:
    """Rank the labels whose codes were observed in the training part.

    Args:
        codes: Labels of the observed cells, as positions in `labels`.
        labels: All labels of the column, sorted.

    """
    seen = np.unique(codes).astype(np.int64)
    return OrdinalState(kind="ordinal", categories=[labels[code] for code in seen])


def apply_ordinal(codes: Float64, labels: tuple[str, ...], state: OrdinalState) -> Float64:
    """Return each cell's rank divided by the number of ranks; 0 for an unranked or missing label."""
    ranks = {label: rank / len(state["categories"]) for rank, label in enumerate(state["categories"], start=1)}
    table = np.array([ranks.get(label, 0.0) for label in labels] + [0.0])
    return table[np.where(np.isnan(codes), -1, codes).astype(np.int64)]


def make_static_codes(statics: dict[str, tuple[str, ...]], dims: dict[str, int]) -> dict[str, dict[str, list[float]]]:
    """Give every category of the static covariates a fixed code.

    Args:
        statics: Static covariate to its category in every series; the empty text is unknown.
        dims: Static covariate to the length of its code.

    Returns:
        Per covariate the code of each category: orthonormal if the dimensions suffice, else seeded random directions.
            An unknown category's code is the zero vector.

    """
    return {
        name: dict(zip(labels, _directions(len(labels), dim).tolist(), strict=True))
        for name, dim in dims.items()
        for labels in [sorted({label for label in statics[name] if label})]
    }


def _directions(count: int, dim: int) -> Float64:
    if count <= dim:
        return np.eye(dim)[:count]
    vectors: Float64 = np.random.default_rng(0).standard_normal((count, dim))
    # Summed by hand, so that the bits do not depend on a linear algebra library.
    lengths: Float64 = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    return vectors / lengths
