"""Static word vectors: files of words and numbers in every usual format, laid over a vocabulary."""

from models.vectors.read import read_vectors
from models.vectors.static import MAX_DIMENSIONS, StaticVectors

__all__ = ["MAX_DIMENSIONS", "StaticVectors", "read_vectors"]
