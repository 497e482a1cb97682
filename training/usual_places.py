"""Where things lie under the working directory if nothing else is said, and what they are called there."""

from pathlib import Path

# sweeps by their names, as conf/config.yaml has it, and the study in the folder of each
OUTPUTS = Path("outputs")
STUDY_FILE = "study.db"
# the store of runs and registered models, with the sign that a URL has on any system
STORE = "mlruns/mlflow.db"
# of an option of a command that names another one
USUAL_STORE = f"default: MLFLOW_TRACKING_URI, else {STORE}"
