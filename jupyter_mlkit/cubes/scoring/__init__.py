"""Scores, baselines, intervals, and what makes two runs comparable."""
