"""Where runs are tracked; nothing heavy is imported to say so."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote

from slimtune.training.usual_places import STORE

log = logging.getLogger(__name__)

SQLITE = "sqlite:///"
# what MLflow's own clients go by
URI_VARIABLE, EXPERIMENT_VARIABLE = "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"
REGISTRY_VARIABLE = "MLFLOW_REGISTRY_URI"
# signs of a path that mean something else in a URL
URL_SIGNS = {"%", "?"}


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file, whatever its folders are called."""
    text = str(path.absolute())
    if not URL_SIGNS & set(text):
        return f"{SQLITE}{text}"
    # a third of a second, so only where it is needed
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=text).render_as_string()


def sqlite_path(uri: str) -> Path | None:
    """The file behind the URL of an SQLite store; None for any other store."""
    if not uri.startswith(SQLITE):
        return None
    if not URL_SIGNS & set(uri):
        return Path(uri.removeprefix(SQLITE))
    from sqlalchemy.engine import make_url

    return Path(make_url(uri).database or "")


def is_folder(uri: str) -> bool:
    """Whether runs were to lie in a folder, which MLflow has given up; `databricks` alone is a server."""
    scheme, colon, _ = uri.partition(":")
    return (scheme == "file" or not colon) and not uri.startswith("databricks")


@contextmanager
def no_misread_folder(uri: str) -> Iterator[None]:
    """MLflow makes the folder of an SQLite file before it reads the signs of the URL; the wrong one is taken away."""
    misread = Path(uri.removeprefix(SQLITE)).parent
    if sqlite_path(uri) in (None, Path(uri.removeprefix(SQLITE))) or misread.exists():
        yield
        return
    made = [folder for folder in (misread, *misread.parents) if not folder.exists()]
    yield
    for folder in made:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def tracking_uri(configured: str | None) -> str:
    """The URI as given, SQLite files by their absolute path; if null what MLflow's variable in the environment says, or
    `mlruns/mlflow.db` under the working directory.
    """
    configured = asked_uri(configured)
    if configured is None:
        return sqlite_url(Path(STORE))
    path = sqlite_path(configured)
    return configured if path is None or "?" in configured else sqlite_url(path)


def asked_uri(configured: str | None) -> str | None:
    """The URI as configured or as MLflow's variable in the environment has it; None where neither names a place."""
    return configured or os.environ.get(URI_VARIABLE) or None


def experiment_name(configured: str | None, otherwise: str) -> str:
    """The experiment as configured, or as MLflow's variable in the environment says; else another name."""
    return configured or os.environ.get(EXPERIMENT_VARIABLE) or otherwise


def warn_of_other_registry(uri: str) -> None:
    """Say that the registry is the tracker's own, where MLflow's variable in the environment names another one."""
    named = os.environ.get(REGISTRY_VARIABLE)
    if named and tracking_uri(named) != uri:
        log.warning(
            "%s in the environment is '%s' and not read: models are registered and looked up in the tracker's own "
            "registry, '%s'; name another tracker with tracking.uri or --tracking-uri",
            REGISTRY_VARIABLE,
            without_password(named),
            without_password(uri),
        )


def told_uri(uri: str) -> str:
    """Where the tracker's address comes from, and what it is, as an error begins."""
    variable = os.environ.get(URI_VARIABLE)
    key = f"{URI_VARIABLE} in the environment" if variable and tracking_uri(variable) == uri else "tracking.uri"
    return f"{key} is '{without_password(uri)}'"


# before the last @ of a URL, whatever signs a password has; a file's URL has no user
USER_AND_PASSWORD = re.compile(r"(?!(?:sqlite|journal|file):)[^:/?#]+://[^:@/]*:[^@]*[^@/]@", re.IGNORECASE)


def has_password(uri: str) -> bool:
    """Whether a URL carries a password, which would end up in configs and runs."""
    if USER_AND_PASSWORD.match(uri):
        return True
    keys = parse_qs(uri.partition("?")[2], keep_blank_values=True)
    # libpq's passfile is a path
    return any("pass" in key.lower() and key.lower() != "passfile" for key in keys)


def without_password(uri: str) -> str:
    """A URL that may be shown and logged."""
    return f"{uri.partition(':')[0]}://..." if has_password(uri) else uri


# as above, and values of keys such as `password` and `sslpassword`, in the middle of a sentence
TOLD_USER = re.compile(r"\b(?!(?:sqlite|journal|file):)([a-z][\w+.-]*://)[^\s:@/]*:\S*@", re.IGNORECASE)
TOLD_KEY = re.compile(r"([?&](?!passfile=)[^\s=&]*pass[^\s=&]*=)[^\s&'\")]+", re.IGNORECASE)


def without_secrets(text: str, url: str = "") -> str:
    """A text that somebody else wrote, without the passwords of URLs in it.

    Args:
        text: What a store or its driver says of an error.
        url: The store's, where it is known: its password is also masked where it stands alone.
    """
    match = re.search(r"://[^/@]*?:(.+)@", url)
    secrets = [url, *([match[1], unquote(match[1])] if match else [])]
    for secret in (one for one in secrets if has_password(url) and one):
        text = text.replace(secret, "***")
    return TOLD_KEY.sub(r"\1***", TOLD_USER.sub(r"\1***@", text))
