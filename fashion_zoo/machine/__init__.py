"""The only rooms that ask which device is here, and what Keras's own settings are."""
