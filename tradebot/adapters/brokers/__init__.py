"""One package for each broker that orders can go to."""
