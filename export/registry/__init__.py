"""MLflow's model registry: versions, aliases, the gate before `champion`, and bundles served as a pyfunc."""
