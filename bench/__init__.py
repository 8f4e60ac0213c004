"""The project's own benchmarks: ratios and medians, both sides measured in one run."""
