"""The door to MLflow's model registry: versions, aliases, and bundles behind `models:/` URIs."""

import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.bundle.adapter_folder import is_adapter_folder, open_adapter_folder
from slimtune.export.bundle.bundle import MANIFEST, Bundle, open_bundle
from slimtune.export.registry.model_uri import MODELS_URI, version_uri
from slimtune.export.registry.served_code import LOADER_MODULE, code_files
from slimtune.export.registry.signature import example_of, signature_of
from slimtune.export.registry.version_facts import Registrable, digest_of, facts_of, packages_of
from slimtune.training.errors import ModelError, StoreError
from slimtune.training.listed_names import agreeing, with_commas
from slimtune.training.tracking.line import first_line
from slimtune.training.tracking.mlflow_run import fetching, sending
from slimtune.training.tracking.mlflow_runs import answer_of, client_of
from slimtune.training.tracking.store_answers import StoreRefusal, answering
from slimtune.training.tracking.uri import URI_VARIABLE, no_misread_folder, sqlite_path, without_password

DIGEST = "bundle_sha256"
# what is behind `models:/` of one version
NAMES_ONE = re.compile(r".*[^@/]@[^@/]+|.*[^/]/\d+")
FORMS = f"Write {MODELS_URI}<name>@<alias> or {MODELS_URI}<name>/<version>"


class RegisteredVersion(NamedTuple):
    """A version of a registered model."""

    name: str
    version: str

    @property
    def uri(self) -> str:
        """What `slimtune predict --model` takes."""
        return version_uri(self.name, self.version)


class FilesGone(ModelError):
    """A version is registered, and its artifacts are not there."""


def is_registered(uri: str, name: str, version: str) -> bool:
    """Whether a version is still in the registry."""
    return answer_of(uri, lambda client: client.get_model_version(name, version)) is not None


def register(uri: str, model: Registrable, name: str, *, run_id: str) -> RegisteredVersion:
    """Log a bundle or a folder of adapters on a run and make it a version of `name`.

    What is registered already keeps its version. The registry's page shows no metrics, so they go into the version's
    description and tags.

    Raises:
        TrackerAway: The registry does not answer.
        StoreRefusal: It says no.
    """
    client, facts = client_of(uri), facts_of(model, name)
    _ensure_model(uri, name, facts.purpose)
    # an interrupted sweep had come this far
    if (known := registered_as(uri, model, name)) is not None:
        return known
    model_uri = _log_model(uri, model, run_id)
    tags = {**facts.tags, DIGEST: digest_of(model)}
    with answering(uri):
        made = client.create_model_version(
            name,
            source=model_uri,
            run_id=run_id,
            tags=tags,
            description=facts.description,
            # a server takes no source of another model
            model_id=model_uri.removeprefix(MODELS_URI),
        )
    return RegisteredVersion(name, str(made.version))


def versions_with_files(uri: str, model: Registrable) -> Sequence[Any]:
    """MLflow's versions of any name that were made of these files."""
    with answering(uri):
        return list(client_of(uri).search_model_versions(f"tags.{DIGEST} = '{digest_of(model)}'"))


def registered_as(uri: str, model: Registrable, name: str) -> RegisteredVersion | None:
    """The version of `name` that has these files, if any: one whose files are gone has them no more."""
    found = versions_with_files(uri, model)
    # not by its name, which may have quotes
    same = (RegisteredVersion(name, str(known.version)) for known in found if known.name == name)
    return next((known for known in same if _has_files(uri, known)), None)


def _has_files(uri: str, known: RegisteredVersion) -> bool:
    if sqlite_path(uri) is None:
        # a server would send them all, and that they are gone is not known of one that does not
        return True
    try:
        _files_of(uri, known)
    except FilesGone:
        return False
    return True


def model_tags(uri: str, name: str) -> Mapping[str, str]:
    """The tags of a registered model.

    Raises:
        ModelError: There is no such model.
    """
    found = answer_of(uri, lambda client: client.get_registered_model(name))
    if found is None:
        raise ModelError(
            f"there is no registered model '{name}' at {without_password(uri)}; registered models: {_known(uri)}"
        )
    tags: Mapping[str, str] = found.tags
    return tags


def has_model(uri: str, name: str) -> bool:
    """Whether a model of that name is registered."""
    return answer_of(uri, lambda client: client.get_registered_model(name)) is not None


def put_name(uri: str, name: str) -> None:
    """Register a model of a name of one's own, of which there is no version.

    Raises:
        TrackerAway: The registry does not answer.
        StoreError: It takes no new names.
    """
    try:
        with answering(uri):
            client_of(uri).create_registered_model(name)
    except StoreRefusal as error:
        raise StoreError(f"the registry takes no new names: {error.reason}") from error


def names_from(uri: str, beginning: str) -> list[str]:
    """Names of registered models that begin so, as the server has them now."""
    found = answer_of(uri, lambda client: client.search_registered_models(f"name LIKE '{beginning}%'"))
    return sorted(one.name for one in found or ())


def remove_name(uri: str, name: str) -> None:
    """Delete a registered model; one that is not there any more is well."""
    answer_of(uri, lambda client: client.delete_registered_model(name))


def find_version(uri: str, model_uri: str) -> RegisteredVersion:
    """The version behind `models:/name/3` or `models:/name@alias`.

    Raises:
        ModelError: There is none.
        TrackerAway: The registry does not answer: nobody can say whether there is.
    """
    path = model_uri.removeprefix(MODELS_URI)
    if not NAMES_ONE.fullmatch(path):
        raise ModelError(f"{model_uri} names no version; {_instead(uri, path)}. {FORMS}")
    try:
        with answering(uri):
            return _version_at(client_of(uri), path)
    except StoreRefusal as error:
        raise ModelError(
            f"{model_uri} is not in the registry at {without_password(uri)} ({error.reason}); {_instead(uri, path)}. "
            f"{FORMS}"
        ) from None


def _version_at(client: Any, path: str) -> RegisteredVersion:
    name, sign, alias = path.rpartition("@")
    if sign and "/" not in alias:
        return RegisteredVersion(name, str(client.get_model_version_by_alias(name, alias).version))
    name, _, number = path.rpartition("/")
    return RegisteredVersion(name, str(client.get_model_version(name, number).version))


def _known(uri: str) -> str:
    with answering(uri):
        return ", ".join(model.name for model in client_of(uri).search_registered_models()) or "none"


def _instead(uri: str, path: str) -> str:
    """What there is: aliases and versions of the model that was named, or else the models."""
    name = path.rpartition("@")[0] or path.rpartition("/")[0] or path
    found = answer_of(uri, lambda client: client.get_registered_model(name)) if name else None
    if found is None:
        return f"registered models: {_known(uri)}"
    with answering(uri):
        numbers = sorted(int(one.version) for one in client_of(uri).search_model_versions(f"name = '{name}'"))
    aliases = [f"{alias} (version {number})" for alias, number in sorted(found.aliases.items())]
    versions = f"{agreeing(len(numbers), 'version', 'versions')} {with_commas(map(str, numbers))}"
    behind = f"{agreeing(len(aliases), 'the alias', 'the aliases')} {with_commas(aliases)}"
    return f"{name} has {versions if numbers else 'no version'} and {behind if aliases else 'no alias'}"


def alias_version(uri: str, name: str, alias: str) -> str | None:
    """The version that has the alias, if any."""
    with answering(uri):
        found = client_of(uri).get_registered_model(name).aliases.get(alias)
    return str(found) if found is not None else None


def holder(uri: str, name: str, alias: str, *, trust: bool = False) -> Registrable | None:
    """What has the alias, or None.

    Raises:
        FilesGone: Its files are not there any more.
        ModelError: Its files are not what its manifest says.
    """
    if not has_model(uri, name) or alias_version(uri, name, alias) is None:
        return None
    return fetch_model(uri, f"{MODELS_URI}{name}@{alias}", trust=trust)


def fetch(uri: str, model_uri: str, *, trust: bool = False) -> Bundle:
    """The bundle of a registered version, downloaded if need be and checked.

    Raises:
        ModelError: There is no such version, or it is not a bundle.
    """
    return open_bundle(fetch_folder(uri, model_uri), trust=trust)


def fetch_model(uri: str, model_uri: str, *, trust: bool = False) -> Registrable:
    """The bundle or the folder of adapters of a registered version, downloaded if need be and checked.

    Raises:
        ModelError: There is no such version, or it is neither.
    """
    folder = fetch_folder(uri, model_uri)
    return open_adapter_folder(folder) if is_adapter_folder(folder) else open_bundle(folder, trust=trust)


def fetch_folder(uri: str, model_uri: str) -> Path:
    """The folder with the manifest of a registered version, downloaded if need be.

    Raises:
        FilesGone: Its files are not there any more.
        ModelError: There is no such version, or slimtune did not write it.
    """
    found = find_version(uri, model_uri)
    manifests = sorted(_files_of(uri, found).rglob(MANIFEST))
    if not manifests:
        raise ModelError(f"{model_uri} is not a bundle of slimtune: it has no {MANIFEST}")
    return manifests[0].parent


def _files_of(uri: str, found: RegisteredVersion) -> Path:
    folder = _downloaded(uri, found)
    if not any(folder.iterdir()):
        raise FilesGone(f"the files of {found.uri} are gone; {_again(found.name)}")
    return folder


def _again(name: str) -> str:
    return f"register the model again: slimtune register <folder> --name {shlex.quote(name)}"


def _downloaded(uri: str, found: RegisteredVersion) -> Path:
    import mlflow
    from mlflow.exceptions import MlflowException

    with answering(uri):
        source = client_of(uri).get_model_version_download_uri(found.name, found.version)
    try:
        with quiet(), fetching(), no_misread_folder(uri):
            return Path(mlflow.artifacts.download_artifacts(source, tracking_uri=uri, dst_path=_local(source)))
    except (MlflowException, OSError) as error:
        reason = first_line(error, uri)
        if sqlite_path(uri) is None:
            # a server may only be out of reach, which this says
            find_version(uri, found.uri)
            raise ModelError(f"{found.uri} cannot be downloaded: {reason}") from error
        raise FilesGone(f"the files of {found.uri} are gone ({reason}); {_again(found.name)}") from error


def _local(source: str) -> str | None:
    # artifacts on this disk are used where they lie
    return None if source.startswith(("file:", "/", "models:")) else tempfile.mkdtemp(prefix="slimtune-")


def _log_model(uri: str, model: Registrable, run_id: str) -> str:
    import mlflow

    before = os.environ.get(URI_VARIABLE)
    mlflow.set_tracking_uri(uri)
    # MLflow has written it there, for processes that begin later: it is not what the user has said
    if before is None:
        os.environ.pop(URI_VARIABLE, None)
    else:
        os.environ[URI_VARIABLE] = before
    with (
        answering(uri),
        quiet(),
        sending(model.folder),
        no_misread_folder(uri),
        code_files() as code,
        mlflow.start_run(run_id=run_id),
    ):
        info = mlflow.pyfunc.log_model(
            name="bundle",
            loader_module=LOADER_MODULE,
            data_path=str(model.folder),
            code_paths=code,
            pip_requirements=[f"{package}=={version(package)}" for package in packages_of(model)],
            signature=signature_of(model),
            input_example=example_of(model),
        )
    return str(info.model_uri)


def bad_request(error: Exception) -> Exception:
    """What a server answers to rows that it cannot take: the message, and no trace."""
    from mlflow.exceptions import MlflowException

    refused: Exception = MlflowException.invalid_parameter_value(str(error))
    return refused


def _ensure_model(uri: str, name: str, purpose: str) -> None:
    client = client_of(uri)
    try:
        with answering(uri):
            client.create_registered_model(name, description=purpose)
    except StoreRefusal:
        # it is there, else this says why it cannot be
        with answering(uri):
            client.get_registered_model(name)


@contextmanager
def quiet() -> Iterator[None]:
    """MLflow's and alembic's progress bars and notes stay off the terminal."""
    import logging

    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(previous)
