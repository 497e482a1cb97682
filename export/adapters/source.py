"""An adapter from whatever names it: what it adds to which base, and whether a graph can take it at run time."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import LoraConfig
from peft.utils import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from peft.utils.other import get_pattern_key
from safetensors import SafetensorError
from safetensors.torch import load_file

from slimtune.export.external.peft_adapter import PLAIN_STARTS
from slimtune.export.graph_names import Kind
from slimtune.training.broken_files import BROKEN, fault_of
from slimtune.training.checkpoints.checkpoint import RECORD, Checkpoint, open_checkpoint
from slimtune.training.checkpoints.find import find_checkpoint
from slimtune.training.checkpoints.recorded_rows import found_rows
from slimtune.training.config.model import ModelConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.errors import ModelError, UserError
from slimtune.training.methods.peft_settings import read_adapter_settings
from slimtune.training.models.architecture import architecture_of, own_task_type
from slimtune.training.package_path import package_file
from slimtune.training.tasks.rows import read_splits
from slimtune.training.usual_places import home_path

log = logging.getLogger(__name__)
KINDS_BY_TASK_TYPE = {"SEQ_CLS": Kind.labels, "CAUSAL_LM": Kind.causal}
TASK_TYPES = {
    "classification": "SEQ_CLS",
    **dict.fromkeys(("generation", "summarization", "translation", "language_modelling"), "CAUSAL_LM"),
}
# of peft's settings, those that say what LoRA computes and are understood here, ...
LORA_SETTINGS = {"r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "modules_to_save"}
# ... and those that have no say in what a trained adapter computes
SILENT = {
    *("task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision"),
    *("inference_mode", "target_modules", "exclude_modules", "lora_dropout", "fan_in_fan_out", "init_lora_weights"),
    *("layers_to_transform", "layers_pattern", "megatron_config", "megatron_core", "qalora_group_size"),
    *("loftq_config", "eva_config", "corda_config", "lora_ga_config"),
}
TENSOR = re.compile(r"base_model\.model\.(?P<module>.+?)\.(?P<part>lora_A\.weight|lora_B\.weight|weight|bias)")
ALONE = "such an adapter is exported alone, by slimtune export"


class AdapterSource(NamedTuple):
    """A LoRA adapter that a graph can take.

    Attributes:
        name: What it is to be called.
        folder: peft's folder.
        kind: What its model answers.
        settings: peft's.
        updates: `lora_A.weight` (r, K) and `lora_B.weight` (N, r), the scale not yet in it, by `<module>.<part>`.
        wholes: Parameters that are its own instead of the base's, by name.
        trained: The checkpoint of slimtune that it is of; None for a folder of peft alone.
        validation: Validation rows of its training; none for a folder of peft alone, or where they are not there.
    """

    name: str
    folder: Path
    kind: Kind
    settings: Mapping[str, Any]
    updates: Mapping[str, torch.Tensor]
    wholes: Mapping[str, torch.Tensor]
    trained: Checkpoint | None
    validation: Sequence[Example] = ()

    @property
    def modules(self) -> list[str]:
        """Modules that it updates."""
        return sorted({key.rsplit(".", 2)[0] for key in self.updates})

    @property
    def ranks(self) -> list[int]:
        """The ranks that it has, each once."""
        return sorted({int(tensor.shape[0]) for key, tensor in self.updates.items() if ".lora_A." in key})

    def scale(self, module: str) -> float:
        """What its update of a module is multiplied with: alpha / r, or with rsLoRA alpha / sqrt(r).

        Source: Kalajdzievski 2023, https://arxiv.org/abs/2312.03732, for the latter.
        """
        patterns: Mapping[str, float] = self.settings.get("alpha_pattern") or {}
        alpha = patterns.get(get_pattern_key(list(patterns), module), self.settings["lora_alpha"])
        rank = int(self.updates[f"{module}.lora_A.weight"].shape[0])
        return float(alpha) / (rank**0.5 if self.settings.get("use_rslora") else rank)


def open_source(
    name: str, given: str, *, base: ModelConfig, tracking_uri: str | None = None, trust: bool = False
) -> AdapterSource:
    """An adapter by a checkpoint's folder, a trial's, the id of a run, or a folder that peft wrote.

    Args:
        name: What it is to be called.
        given: Where it is.
        base: What it is to be over; what it was trained on is looked at by `check_base`.
        tracking_uri: The MLflow store of run ids.
        trust: Whether code that a checkpoint's config names may be run.

    Raises:
        ModelError: There is none, or it computes something that a graph with LoRA inputs cannot.
    """
    folder = home_path(given)
    if (folder / CONFIG_NAME).is_file() and not (folder / RECORD).is_file():
        return _source(name, folder, None, base)
    checkpoint = open_checkpoint(find_checkpoint(given, tracking_uri), trust=trust)
    with checkpoint.lost_base_told():
        _check_trained(name, checkpoint.config)
    return _source(name, checkpoint.folder, checkpoint, base)


def check_trained_on(source: AdapterSource, model: ModelConfig) -> None:
    """Whether an adapter was trained on a base.

    Raises:
        ModelError: It was trained on another one, or on other weights of that name.
    """
    base, revision = model.name_or_path or "", model.revision
    if source.trained is not None:
        trained = source.trained.config.model
        own, own_revision = trained.name_or_path or "", trained.revision
    else:
        own, own_revision = (str(source.settings.get(key) or "") for key in ("base_model_name_or_path", "revision"))
        own_revision = own_revision or None
    where = source.folder / (CONFIG_NAME if source.trained is None else RECORD)
    if not own:
        raise ModelError(
            f"adapter {source.name}: {where} does not say what it was trained on; write '{base}' there, as "
            "base_model_name_or_path, if that is its base"
        )
    if not _is_same(own, base):
        if _is_lost(own):
            _check_copy(source, own, model, where)
            return
        raise ModelError(
            f"adapter {source.name} was trained on '{own}' ({where}), and --base is '{base}'; an adapter fits its own "
            f"base only: give --base {own}, or if the two are copies of one model, write '{base}' there"
        )
    if own_revision is not None and own_revision != revision:
        raise ModelError(
            f"adapter {source.name} was trained on revision {own_revision} of '{own}' ({where}), and --revision is "
            f"{revision}; give --revision {own_revision}"
        )
    if source.trained is not None:
        source.trained.check_base(model)


def _check_copy(source: AdapterSource, own: str, model: ModelConfig, where: Path) -> None:
    """Whether a base has the weights of one that is not there any more.

    Raises:
        ModelError: It has others, or nothing tells.
    """
    if source.trained is not None and source.trained.record.base_fingerprint is not None:
        source.trained.check_base(model)
        return
    raise ModelError(
        f"adapter {source.name} was trained on '{own}' ({where}), which is not there any more, and nothing tells "
        f"whether --base {model.name_or_path} has the same weights; if it is a copy, write '{model.name_or_path}' there"
    )


def _is_lost(name: str) -> bool:
    """Whether a base was a folder, and there is none of that name any more; a hub name is not looked for."""
    path = home_path(name)
    return (path.is_absolute() or name.startswith(".") or name.count("/") > 1) and not path.is_dir()


def _is_same(first: str, second: str) -> bool:
    return first == second or _place(first) == _place(second)


def _place(name: str) -> str:
    """The folder behind a name of a base; a hub name, or one that leads nowhere any more, is left as it is."""
    try:
        path = home_path(package_file(name))
    except FileNotFoundError:
        return name
    return str(path.resolve()) if path.is_dir() else name


def _check_trained(name: str, config: TrialConfig) -> None:
    """Whether a trial of slimtune trained a plain adapter, for a task that can share a base."""
    method, task = config.method.name, config.task.name
    if method != "lora":
        what = "all weights of its own" if method == "full" else "no LoRA"
        raise ModelError(
            f"adapter {name} was trained by method={method}, which has {what}; train by method=lora, or export it "
            "alone, by slimtune export"
        )
    if config.model.quantization is not None:
        raise ModelError(
            f"adapter {name} was trained on a base in {config.model.quantization.value} (QLoRA), and fits those "
            f"rounded weights and not the base's own; train with model.quantization=null, or export it alone, by "
            "slimtune export, which takes the weights as they were rounded"
        )
    if task not in TASK_TYPES:
        raise ModelError(
            f"adapter {name} was trained for task={task}; one base serves adapters of {', '.join(TASK_TYPES)}; {ALONE}"
        )
    if TASK_TYPES[task] == "CAUSAL_LM" and architecture_of(config.model).is_encoder_decoder:
        raise ModelError(
            f"adapter {name} was trained on '{config.model.name_or_path}', an encoder-decoder; one base serves "
            f"adapters of causal models and of classifiers; {ALONE}"
        )


def _source(name: str, folder: Path, trained: Checkpoint | None, base: ModelConfig) -> AdapterSource:
    settings = _settings(folder, name)
    # peft writes none where nobody said, and then saves no head
    task = TASK_TYPES[trained.config.task.name] if trained else settings.get("task_type") or own_task_type(base)
    if task not in KINDS_BY_TASK_TYPE:
        raise ModelError(
            f"adapter {name}: {folder / CONFIG_NAME} has task_type {task!r}; one base serves "
            f"{' or '.join(KINDS_BY_TASK_TYPE)}: write there what the adapter was trained for"
        )
    updates, wholes = _tensors(folder, name)
    validation = _validation(name, trained) if trained is not None else ()
    return AdapterSource(name, folder, KINDS_BY_TASK_TYPE[task], settings, updates, wholes, trained, validation)


def _validation(name: str, trained: Checkpoint) -> Sequence[Example]:
    """Validation rows of a training, found wherever the command is run; none, with a warning, if they are not there."""
    try:
        return read_splits(found_rows(trained.config, trained.folder)).validation
    except UserError as error:
        log.warning(
            "adapter %s is compared with PyTorch on a few sentences, and nothing tells whether it chats: the rows that "
            "it was trained on cannot be read (%s)",
            name,
            str(error).splitlines()[0],
        )
        return ()


def _settings(folder: Path, name: str) -> Mapping[str, Any]:
    path = folder / CONFIG_NAME
    try:
        settings: Mapping[str, Any] = read_adapter_settings(path)
        kind = settings["peft_type"]
    except BROKEN as error:
        raise ModelError(f"adapter {name}: {path} is broken: {fault_of(error)}; save the adapter again") from None
    if kind != "LORA":
        raise ModelError(f"adapter {name} is of kind {kind} ({path}), and not LoRA; {ALONE}")
    if settings.get("use_dora"):
        raise ModelError(
            f"adapter {name} is DoRA (use_dora in {path}), which divides by a norm of base and adapter together and is "
            f"no sum of the two; train with method.use_dora=false, or export it alone, by slimtune export"
        )
    if settings.get("init_lora_weights", True) not in PLAIN_STARTS:
        raise ModelError(
            f"adapter {name} began with init_lora_weights={settings['init_lora_weights']} ({path}), which takes the "
            "adapter out of the base's weights; convert it to plain LoRA (peft: save_pretrained with "
            "path_initial_model_for_weight_conversion)"
        )
    if not settings.get("target_modules"):
        raise ModelError(
            f"adapter {name}: {path} lacks 'target_modules', the layers that it is on; save the adapter again"
        )
    defaults: Mapping[str, Any] = LoraConfig().to_dict()  # type: ignore[no-untyped-call]
    for key, value in settings.items():
        if key in LORA_SETTINGS | SILENT or not value or value == defaults.get(key):
            continue
        raise ModelError(f"adapter {name} has {key}={value!r} ({path}), which LoRA inputs cannot compute; {ALONE}")
    return {**defaults, **settings}


def _tensors(folder: Path, name: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """What is added to the base, and what takes the place of its parameters, in fp32."""
    path = folder / SAFETENSORS_WEIGHTS_NAME
    if not path.is_file():
        raise ModelError(
            f"adapter {name}: {path} is missing, and pickled weights (*.bin) are not read; load and save it once "
            "with peft, which writes that file: PeftModel.from_pretrained(base, folder).save_pretrained(folder)"
        )
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"adapter {name}: {path} is broken: {fault_of(error)}; save the adapter again") from None
    updates, wholes = dict[str, torch.Tensor](), dict[str, torch.Tensor]()
    for key, tensor in tensors.items():
        found = TENSOR.fullmatch(key)
        if found is None:
            raise ModelError(f"adapter {name}: {path} has '{key}', which is no LoRA of a linear layer; {ALONE}")
        kind = updates if found["part"].startswith("lora_") else wholes
        kind[f"{found['module']}.{found['part']}"] = tensor.float()
    if not updates:
        raise ModelError(f"adapter {name}: {path} has no LoRA tensors; {ALONE}")
    return updates, wholes
