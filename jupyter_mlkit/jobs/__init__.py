"""Training jobs and the kernels that run them: supervision, registry, probes. No tornado here."""
