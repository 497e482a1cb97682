"""Which packages are installed, in which versions, and what the missing ones would add."""

from collections.abc import Iterator
from importlib.metadata import requires, version

from packaging.requirements import Requirement

from slimtune.sweeper.doctor.finding import Finding, Grade
from slimtune.training.installation.plain_install import has_package
from slimtune.training.listed_names import with_commas

# those that a report of a fault needs
TOLD = ("torch", "transformers", "peft", "optuna", "mlflow", "hydra-core")
# of the packages of the extra for exports, the one that answers alone
ANSWERING, PREDICTING = "onnxruntime", "slimtune predict"
USES = {
    "export": f"export=onnx, {PREDICTING}",
    "genai": "folders for onnxruntime-genai",
    "gpu": "the load of GPUs in the tracker",
    "grpc": "search.storage=grpc://...",
    "hub": "data sets and metrics of the hub",
    "joblib": "hydra/launcher=local",
    "mysql": "search.storage=mysql://...",
    "postgresql": "search.storage=postgresql://...",
    "qlora": "bases in 4 and 8 bits, moments in 8",
    "ray": "hydra/launcher=ray_cluster",
    "slurm": "hydra/launcher=slurm",
    "tensorboard": "tracking.tensorboard=true",
    "text-metrics": "BLEU, chrF, ROUGE",
    "wandb": "tracking.wandb=true",
}


def packages() -> Iterator[Finding]:
    """slimtune's own version, those that it stands on, and its extras."""
    asked = [Requirement(line) for line in requires("slimtune") or ()]
    plain = [one for one in asked if one.marker is None]
    told = ", ".join(f"{name} {version(name)}" for name in TOLD if has_package(name))
    yield Finding(name="slimtune", told=f"{version('slimtune')}, with {told or 'none of what trains models'}")
    if absent := [one.name for one in plain if not has_package(one.name)]:
        yield _absent(absent)
    for fault in (fault for one in plain if one.name not in absent and (fault := _fault(one))):
        yield Finding(name="package", told=fault, grade=Grade.bad, repair="pip install --upgrade slimtune")
    for extra, use in USES.items():
        yield _extra(extra, use, [one for one in asked if _is_of(one, extra)], is_whole=not absent)


def _absent(names: list[str]) -> Finding:
    told = f"{with_commas(names)} {'is' if len(names) == 1 else 'are'} not installed"
    repair = "pip install slimtune; without them slimtune predict reads the folder of a bundle, and little else works"
    return Finding(name="package", told=told, grade=Grade.bad, repair=repair)


def _is_of(asked: Requirement, extra: str) -> bool:
    return asked.marker is not None and asked.marker.evaluate({"extra": extra}) and asked.name != "slimtune"


def _extra(extra: str, use: str, asked: list[Requirement], *, is_whole: bool) -> Finding:
    """An extra; where slimtune itself is not whole, as to predict alone, nobody has asked for the rest of one."""
    faults = [fault for one in asked if (fault := _fault(one))]
    if not faults:
        told = ", ".join(f"{one.name} {version(one.name)}" for one in asked)
        return Finding(name=f"[{extra}]", told=f"{use}: {told}")
    repair = f"pip install 'slimtune[{extra}]'"
    lacking = [one.name for one in asked if not has_package(one.name)]
    is_half = is_whole and len(lacking) < len(asked)
    grade = Grade.bad if is_half or len(lacking) < len(faults) else Grade.absent
    if extra == "export" and ANSWERING not in lacking:
        use = use.removesuffix(f", {PREDICTING}")
    return Finding(name=f"[{extra}]", told=f"{use}: {'; '.join(faults)}", grade=grade, repair=repair)


def _fault(asked: Requirement) -> str | None:
    """Why the installed package is not what is asked for."""
    if not has_package(asked.name):
        return f"{asked.name} is not installed"
    found = version(asked.name)
    # a release before a version counts: torch's nightly builds are such
    if asked.specifier.contains(found, prereleases=True):
        return None
    return f"{asked.name} is {found}, and slimtune needs {asked.specifier}"
