"""Where a run comes from: its cells, its commit, its packages, and what it cost."""
