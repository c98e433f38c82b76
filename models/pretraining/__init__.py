"""Small language models trained on plain texts, and the shipped bases that come of them."""
