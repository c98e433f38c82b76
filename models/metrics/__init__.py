"""Pure functions that compare maps of scores; each metric carries its facts."""
