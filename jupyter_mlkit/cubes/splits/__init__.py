"""Which cell trains, validates and tests: pure functions of its coordinates."""
