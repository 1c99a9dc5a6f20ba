"""The rules of trading as pure values and functions on the standard library alone."""
