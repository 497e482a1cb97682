"""Where runs are tracked; nothing heavy is imported to say so."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SQLITE = "sqlite:///"


def tracking_uri(configured: str | None) -> str:
    """The URI as given, SQLite files by their absolute path; `mlruns/mlflow.db` under the working directory if null."""
    uri = configured or f"{SQLITE}mlruns/mlflow.db"
    return f"{SQLITE}{Path(uri.removeprefix(SQLITE)).absolute()}" if uri.startswith(SQLITE) else uri


def has_password(uri: str) -> bool:
    """Whether a URL carries a password, which would end up in configs and runs."""
    try:
        parts = urlsplit(uri)
        return parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError:
        return False


def without_password(uri: str) -> str:
    """A URL that may be shown and logged."""
    return f"{urlsplit(uri).scheme}://..." if has_password(uri) else uri
