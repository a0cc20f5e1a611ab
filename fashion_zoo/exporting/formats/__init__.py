"""The formats of exports, one a file."""
