"""MLflow's own store with the journal before it: what plain MLflow calls write goes there first."""
