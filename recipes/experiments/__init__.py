"""The experiments of this package, one a file; see docs/experiments.md.

What several of them share is in the modules whose names begin with an underscore.
"""
