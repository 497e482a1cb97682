"""Where runs are tracked; nothing heavy is imported to say so."""

from pathlib import Path
from urllib.parse import urlsplit


def tracking_uri(configured: str | None) -> str:
    """The URI as given, or an absolute one of `mlruns/mlflow.db` under the working directory."""
    return configured or f"sqlite:///{Path.cwd() / 'mlruns' / 'mlflow.db'}"


def has_password(uri: str) -> bool:
    """Whether a URL carries a password, which would end up in configs and runs."""
    return urlsplit(uri).password is not None
