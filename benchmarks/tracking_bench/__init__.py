"""What `benchmarks/tracking.py` measures: what a call costs, and what a kill leaves of it."""
