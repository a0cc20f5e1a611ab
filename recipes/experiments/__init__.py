"""The experiments of this package, one a file; see docs/experiments.md."""
