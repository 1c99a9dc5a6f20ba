"""What things cost, each beside what they cannot cost less than: `python -m benchmarks` prints the table."""
