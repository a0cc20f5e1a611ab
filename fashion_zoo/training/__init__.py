"""Training: build and compile a recipe, fit it, and keep everything in a run folder."""
