"""Bags of words as reference rows: what can be read without any order, trained by scikit-learn, run by numpy."""
