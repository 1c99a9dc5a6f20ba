"""The simulated machine of the crash tests."""
