"""Packages that only some configs need: which extra of the distribution brings each, and what is said without it."""

from importlib.util import find_spec

from slimtune.training.errors import UserError

# by the name that is imported, as `pyproject.toml` groups them
EXTRAS = {
    "bitsandbytes": "qlora",
    "datasets": "hub",
    "evaluate": "hub",
    "grpc": "grpc",
    "hydra_joblib_launcher": "joblib",
    "hydra_ray_launcher": "ray",
    "hydra_submitit_launcher": "slurm",
    "onnx": "export",
    "onnxruntime": "export",
    "onnxruntime_genai": "genai",
    "onnxscript": "export",
    "psycopg": "postgresql",
    "pymysql": "mysql",
    "rouge_score": "text-metrics",
    "sacrebleu": "text-metrics",
    "tensorboard": "tensorboard",
    "wandb": "wandb",
}
# where the package index has another name
DISTRIBUTIONS = {"grpc": "grpcio"}
# what is needed beside a plain install, by metric
METRIC_PACKAGES = {"bleu": "sacrebleu", "chrf": "sacrebleu", "rouge": "rouge_score"}


def is_installed(package: str) -> bool:
    """Whether a package can be found; it is not imported."""
    # Hydra's plugins share a namespace
    name = f"hydra_plugins.{package}" if package.startswith("hydra_") else package
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def missing(*packages: str, needed_for: str) -> list[str]:
    """One sentence with the command that installs the packages that are not there; nothing if all are.

    Args:
        packages: Some of `EXTRAS`.
        needed_for: What asks for them, as a person says it, e.g. `model.quantization=nf4`.
    """
    absent = [package for package in packages if not is_installed(package)]
    return [_sentence(absent[0], needed_for)] if absent else []


def needs(*packages: str, needed_for: str) -> None:
    """Whether the packages are there.

    Raises:
        UserError: One is not; the message has the command that installs it.
    """
    for problem in missing(*packages, needed_for=needed_for):
        raise UserError(problem)


def sentence_for(error: ModuleNotFoundError, *, needed_for: str) -> str | None:
    """What to say of a failed import; None if no extra would mend it."""
    package = (error.name or "").partition(".")[0]
    return _sentence(package, needed_for) if package in EXTRAS and not is_installed(package) else None


def _sentence(package: str, needed_for: str) -> str:
    distribution = DISTRIBUTIONS.get(package, package.replace("_", "-"))
    return f"{needed_for} needs {distribution}, which is not installed; pip install 'slimtune[{EXTRAS[package]}]'"
