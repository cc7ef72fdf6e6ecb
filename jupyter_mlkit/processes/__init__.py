"""Processes of this machine: which there are, who they are, and signals to the right one."""
