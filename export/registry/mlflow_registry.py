"""The door to MLflow's model registry: versions, aliases, and bundles behind `models:/` URIs."""

import hashlib
import json
import os
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import slimtune
from slimtune.export.bundle.bundle import MANIFEST, Bundle, open_bundle
from slimtune.export.graph_names import MODEL, Kind
from slimtune.export.registry.model_uri import MODELS_URI
from slimtune.export.runtime.prompter import text_columns
from slimtune.training.data.examples import MESSAGES
from slimtune.training.errors import ModelError
from slimtune.training.listed_names import with_commas
from slimtune.training.tracking.mlflow_runs import client_of
from slimtune.training.tracking.uri import no_misread_folder, sqlite_path

HISTORY, DIGEST = "alias_history", "bundle_sha256"
REQUIREMENTS = ("jinja2", "numpy", "omegaconf", "onnxruntime", "pandas", "tokenizers")


class RegisteredVersion(NamedTuple):
    """A version of a registered model."""

    name: str
    version: str

    @property
    def uri(self) -> str:
        """What `slimtune predict --model` takes."""
        return f"{MODELS_URI}{self.name}/{self.version}"


class FilesGone(ModelError):
    """A version is registered, and its artifacts are not there."""


def is_registered(uri: str, name: str, version: str) -> bool:
    """Whether a version is still in the registry."""
    from mlflow.exceptions import MlflowException

    try:
        client_of(uri).get_model_version(name, version)
    except MlflowException:
        return False
    return True


def register(uri: str, bundle: Bundle, name: str, *, run_id: str) -> RegisteredVersion:
    """Log the bundle on a run and make it a version of `name`.

    A bundle that is registered already keeps its version. The registry's page shows no metrics, so they go into the
    version's description and tags.
    """
    client = client_of(uri)
    _ensure_model(client, name, bundle)
    content = json.dumps(dict(bundle.manifest.files), sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    # not by its name, which may have quotes
    for known in client.search_model_versions(f"tags.{DIGEST} = '{digest}'"):
        if known.name == name:
            # an interrupted sweep had come this far
            return RegisteredVersion(name, str(known.version))
    model_uri = _log_model(uri, bundle, run_id)
    made = client.create_model_version(
        name,
        source=model_uri,
        run_id=run_id,
        tags={**_tags(bundle), DIGEST: digest},
        description=_description(bundle),
        # a server takes no source of another model
        model_id=model_uri.removeprefix(MODELS_URI),
    )
    return RegisteredVersion(name, str(made.version))


def set_alias(uri: str, registered: RegisteredVersion, alias: str) -> str | None:
    """Point an alias to a version and note it in the model's `alias_history`.

    Returns:
        The version that had the alias before, if any.
    """
    client = client_of(uri)
    model = client.get_registered_model(registered.name)
    before = str(model.aliases[alias]) if alias in model.aliases else None
    client.set_registered_model_alias(registered.name, alias, registered.version)
    history = json.loads(model.tags.get(HISTORY, "[]"))
    history.append({"alias": alias, "version": registered.version, "before": before, "at": int(time.time())})
    client.set_registered_model_tag(registered.name, HISTORY, json.dumps(history))
    return before


def find_version(uri: str, model_uri: str) -> RegisteredVersion:
    """The version behind `models:/name/3` or `models:/name@alias`.

    Raises:
        ModelError: There is none.
    """
    from mlflow.exceptions import MlflowException

    client = client_of(uri)
    path = model_uri.removeprefix(MODELS_URI)
    name, sign, alias = path.rpartition("@")
    try:
        if sign and "/" not in alias:
            return RegisteredVersion(name, str(client.get_model_version_by_alias(name, alias).version))
        name, _, number = path.rpartition("/")
        return RegisteredVersion(name, str(client.get_model_version(name, number).version))
    except MlflowException as error:
        known = ", ".join(model.name for model in client.search_registered_models()) or "none"
        raise ModelError(
            f"{model_uri} is not in the registry at {uri} ({str(error).splitlines()[0]}); registered models: {known}. "
            "Write models:/<name>@<alias> or models:/<name>/<version>"
        ) from None


def alias_version(uri: str, name: str, alias: str) -> str | None:
    """The version that has the alias, if any."""
    found = client_of(uri).get_registered_model(name).aliases.get(alias)
    return str(found) if found is not None else None


def holder(uri: str, name: str, alias: str, *, trust: bool = False) -> Bundle | None:
    """The bundle that has the alias, or None.

    Raises:
        FilesGone: Its files are not there any more.
        ModelError: Its files are not what its manifest says.
    """
    from mlflow.exceptions import MlflowException

    try:
        client_of(uri).get_model_version_by_alias(name, alias)
    except MlflowException:
        return None
    return fetch(uri, f"{MODELS_URI}{name}@{alias}", trust=trust)


def fetch(uri: str, model_uri: str, *, trust: bool = False) -> Bundle:
    """The bundle of a registered version, downloaded if need be and checked.

    Raises:
        ModelError: There is no such version, or it is not a bundle.
    """
    found = find_version(uri, model_uri)
    folder = _downloaded(uri, found)
    manifests = sorted(folder.rglob(MANIFEST))
    if not any(folder.iterdir()):
        raise FilesGone(f"the files of {found.uri} are gone; register the model again")
    if not manifests:
        raise ModelError(f"{model_uri} is not a bundle of slimtune: it has no {MANIFEST}")
    return open_bundle(manifests[0].parent, trust=trust)


def _downloaded(uri: str, found: RegisteredVersion) -> Path:
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        with _quiet(), no_misread_folder(uri):
            source = client_of(uri).get_model_version_download_uri(found.name, found.version)
            return Path(mlflow.artifacts.download_artifacts(source, tracking_uri=uri, dst_path=_local(source)))
    except (MlflowException, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        if sqlite_path(uri) is None:
            # a server may only be out of reach
            raise ModelError(f"{found.uri} cannot be downloaded: {reason}") from error
        raise FilesGone(f"the files of {found.uri} are gone ({reason}); register the model again") from error


def _local(source: str) -> str | None:
    # artifacts on this disk are used where they lie
    return None if source.startswith(("file:", "/", "models:")) else tempfile.mkdtemp(prefix="slimtune-")


def _log_model(uri: str, bundle: Bundle, run_id: str) -> str:
    import mlflow

    mlflow.set_tracking_uri(uri)
    with _quiet(), no_misread_folder(uri), mlflow.start_run(run_id=run_id):
        info = mlflow.pyfunc.log_model(
            name="bundle",
            loader_module="slimtune.export.registry.pyfunc",
            data_path=str(bundle.folder),
            code_paths=[str(Path(slimtune.__file__).parent)],
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
            signature=signature_of(bundle),
        )
    return str(info.model_uri)


def bad_request(error: Exception) -> Exception:
    """What a server answers to rows that it cannot take: the message, and no trace."""
    from mlflow.exceptions import MlflowException

    refused: Exception = MlflowException.invalid_parameter_value(str(error))
    return refused


def signature_of(bundle: Bundle) -> Any:
    """What a served model is given, and what it answers."""
    from mlflow.models import ModelSignature
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, Array, ColSpec, Object, Property, Schema

    text, number, whole = DataType.string, DataType.double, DataType.long
    # one text alone gets its vector
    optional = {"text_pair"} if bundle.kind is Kind.embedding else set()
    names = text_columns(bundle.manifest.interface)
    given: list[Any] = [ColSpec(text, name, required=name not in optional) for name in names]
    answered: list[Any]
    match bundle.kind:
        case Kind.labels:
            kinds = {"label": text, "probability": number}
            answered = [ColSpec(Array(kind) if bundle.multi_label else kind, name) for name, kind in kinds.items()]
        case Kind.tags:
            parts = {"start": whole, "end": whole, "label": text, "text": text}
            span = Object([Property(name, kind) for name, kind in parts.items()])
            answered = [ColSpec(Array(span), "prediction")]
        case Kind.embedding:
            answered = [ColSpec(number, "prediction")]
        case Kind.numbers:
            (shape,) = bundle.manifest.graphs[MODEL]["outputs"].values()
            answered = [ColSpec(number if len(shape) == 1 else Array(number), "prediction")]
        case _:
            answered = [ColSpec(text, "prediction")]
            prompt = bundle.manifest.interface.prompt
            # special tokens are noted for chats alone
            if prompt is not None and (prompt.chat_template is not None or prompt.special_tokens):
                # the model checks chats, as everywhere: MLflow would take no text in parts, and no key that is left out
                given = [*(ColSpec(text, name, required=False) for name in names if prompt.template is None)]
                anything: Any = AnyType
                given.append(ColSpec(anything(), MESSAGES, required=False))
    return ModelSignature(inputs=Schema(given), outputs=Schema(answered))


def _quoted(name: str) -> str:
    """As MLflow's filters take it; a name has not both signs."""
    return f'"{name}"' if "'" in name else f"'{name}'"


def _ensure_model(client: Any, name: str, bundle: Bundle) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=_purpose(bundle))
    except MlflowException:
        client.get_registered_model(name)


def _purpose(bundle: Bundle) -> str:
    if bundle.labels:
        return f"Labels: {with_commas(bundle.labels)}"
    return bundle.manifest.training.task.replace("_", " ")


def _tags(bundle: Bundle) -> dict[str, str]:
    measured = bundle.manifest.report.as_dict()
    tags = {key: f"{measured[key]:.4g}" for key in ("score", "metric_drop", "agreement", "size_mb", "latency_ms")}
    return {"variant": bundle.manifest.variant, "metric": bundle.manifest.training.metric, **tags}


def _description(bundle: Bundle) -> str:
    return (bundle.folder / "README.md").read_text(encoding="utf-8")


class _quiet:  # reads as a word where it is used
    """MLflow's and alembic's progress bars and notes stay off the terminal."""

    def __enter__(self) -> None:
        os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
        import logging

        self._previous = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *exc: object) -> None:
        import logging

        logging.disable(self._previous)
