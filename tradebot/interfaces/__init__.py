"""Ways for people and programs to see and command the daemon."""
