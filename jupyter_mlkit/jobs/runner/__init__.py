"""The parent of one job: starts it, keeps its output, ends all of it, and writes down how it ended.

A process of its own, so that a job's end is told although the server is gone. It runs in the
server's interpreter without site-packages: standard library only, up in a few milliseconds.
"""
