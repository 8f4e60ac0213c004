"""The project's own benchmarks. Ratios compare both sides within one run, because machines differ."""
