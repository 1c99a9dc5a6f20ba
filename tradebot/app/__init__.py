"""The composition root: builds a daemon from the settings. The only place that knows every part; no logic."""
