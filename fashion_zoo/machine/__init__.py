"""Device, environment, and Keras's global settings and registration."""
