"""The formats of exports, one per file."""
