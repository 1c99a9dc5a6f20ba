"""The simulated exchange that paper and replay orders are matched at."""
