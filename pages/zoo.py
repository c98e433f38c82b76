"""Zoo: every trained classifier there is, how well it reads and what it learned; the study of APLN."""

from __future__ import annotations

from pages import _state

view = _state.take()
_state.publish(view)
