"""Several real parts together, on loopback and real files."""
