"""The twin over an orthogonal LSTM."""

from __future__ import annotations

from models.twins.base import Twin


class OrthogonalTwin(Twin):
    """The base over an LSTM whose states stand at right angles to the mean of those before (`orthogonal_lstm`)."""

    name = "orthogonal"
    title = "Orthogonal LSTM"
    question = "Does attention tell more once token states no longer resemble each other?"
    formula = r"h_t \perp \textstyle\sum_{i<t} h_i"
    source = "Mohankumar et al., ACL 2020, §4.1"
