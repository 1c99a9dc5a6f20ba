"""The live daemon killed in the middle of its placements, at an exchange that is a process of its own."""
