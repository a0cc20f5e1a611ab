"""What a person sees: progress and tables in a terminal, figures in files."""
