"""The debate over a whole test set: every text, every experiment of Jain & Wallace, in batches."""
