"""The panels: each is a pure function from the daemon's view to something that Rich can render."""
