"""The single writer: takes messages in, lets pure handlers decide, saves, and then acts."""
