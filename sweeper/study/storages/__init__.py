"""Where studies lie: files, databases, a proxy; each as one of Optuna's storages."""
