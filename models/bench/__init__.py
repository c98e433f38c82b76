"""What ``python -m models bench`` measures, one section of BENCHMARKS.md per file."""
