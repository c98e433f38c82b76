"""Everything with a tensor in it, and the plain records it returns."""
