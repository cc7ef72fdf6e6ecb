"""What is logged, on disk before the call returns, until a tracking store has it."""
