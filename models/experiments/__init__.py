"""The debate's experiments, one per file: what happens to attention between a weight and an effect."""
