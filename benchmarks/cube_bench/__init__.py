"""The parts of ``benchmarks/cubes.py``: the cube, the limits, ours, the peers, the report."""
