"""Sources of signals: files, the built-in strategies and a user's own."""
