"""Recipes that only teach, in no list of the package: ``--import recipes.teachers.MODULE``."""
