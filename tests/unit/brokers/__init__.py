"""The adapters of real brokers: calls, errors by name, and translation of recorded answers."""
