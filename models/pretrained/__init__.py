"""Pretrained encoders of the ``transformers`` library: where they come from, and how their pieces fit words."""
