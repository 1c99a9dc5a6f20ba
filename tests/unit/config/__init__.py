"""The operator's configuration: every key, every place, every mistake."""
