"""The types of a method's config. Values live in `conf/method/`; nothing here has a default."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from slimtune.training.config.schema import Parsed, Rule, above_zero, option_suggestion, parse_section, share

# peft's names of the starts that need nothing but the weights
INITS = ("default", "gaussian", "orthogonal", "olora", "pissa", "pissa_niter_<n>")
# starts that take a part of the base's weights into the adapter
MUTATING = ("olora", "pissa")


class Placement(Enum):
    """After which sub-layers of a transformer layer an adapter stands."""

    houlsby = "houlsby"
    pfeiffer = "pfeiffer"


class Activation(Enum):
    """What stands between the two projections of an adapter."""

    relu = "relu"
    gelu = "gelu"
    silu = "silu"


class PromptInit(Enum):
    """What virtual tokens begin as."""

    sample_vocab = "sample_vocab"
    random = "random"
    text = "text"


def _is_init(name: str) -> bool:
    return name in INITS[:-1] or re.fullmatch(r"pissa_niter_[1-9]\d*", name) is not None


@dataclass(slots=True, kw_only=True)
class FullMethod:
    """The weights themselves are trained.

    Attributes:
        name: `full`.
        trained_layers: Transformer layers that are trained, counted from the top, with everything above them; those
            below and the embeddings stay as they are. Null trains all weights.
        dropout: Share that the model's own layers drop; null leaves the checkpoint's.
    """

    name: str
    trained_layers: int | None = field(
        metadata={"rule": Rule("use a number of at least 0, e.g. 2, or null for all", lambda value: value >= 0)}
    )
    dropout: float | None = field(metadata=share(0.1))


@dataclass(slots=True, kw_only=True)
class LoraMethod:
    """Low-rank adapters (Hu et al. 2021, https://arxiv.org/abs/2106.09685), in peft's terms.

    Attributes:
        name: `lora`.
        r: Rank of the update.
        alpha: The update is scaled by alpha / r. At most one of `alpha` and `alpha_over_r` is given; without both it
            is twice the rank.
        alpha_over_r: The scale itself, so that searching r keeps it.
        dropout: Dropout on the adapter's input.
        target_modules: Module names, or the one word `all-linear`.
        modules_to_save: Modules that are trained whole, beside the new head. `auto` stands for BERT's `pooler`, where
            the model has one: checkpoints for sentence embeddings bring one that nobody trained.
        use_rslora: Scale by alpha / sqrt(r) (Kalajdzievski 2023, https://arxiv.org/abs/2312.03732).
        use_dora: Train the length of each row of the weights apart (Liu et al. 2024, https://arxiv.org/abs/2402.09353).
        init_lora_weights: How the adapters begin: `default`, `gaussian`, `orthogonal`, `olora`, `pissa` or
            `pissa_niter_<n>`. The last three begin from the base's weights, which are trained in fp32 then; what is
            saved is a plain adapter of twice the rank.
        rank_pattern: Rank by module name, where it is not `r`.
        alpha_pattern: Alpha by module name, where it is not `alpha`.
    """

    name: str
    r: int = field(metadata=above_zero(8))
    alpha: float | None = field(metadata=above_zero(16))
    alpha_over_r: float | None = field(metadata=above_zero(2))
    dropout: float = field(metadata=share(0.1))
    target_modules: list[str]
    modules_to_save: list[str]
    use_rslora: bool
    use_dora: bool
    init_lora_weights: str = field(metadata={"rule": Rule(f"use one of {', '.join(INITS)}", _is_init)})
    rank_pattern: dict[str, int] | None
    alpha_pattern: dict[str, float] | None

    @property
    def lora_alpha(self) -> float:
        """LoRA's alpha."""
        return self.alpha if self.alpha is not None else (self.alpha_over_r or 2.0) * self.r

    @property
    def mutates_base(self) -> bool:
        """Whether the adapters begin as a part of the base's weights, which are less by it."""
        return self.init_lora_weights.startswith(MUTATING)


@dataclass(slots=True, kw_only=True)
class AdaptersMethod:
    """Bottleneck networks between frozen layers (Houlsby et al. 2019, https://arxiv.org/abs/1902.00751).

    Attributes:
        name: `adapters`.
        placement: `houlsby` puts one after the attention and one after the feed-forward network of each layer,
            `pfeiffer` only the second (Pfeiffer et al. 2020, https://arxiv.org/abs/2005.00247).
        reduction_factor: Width of the layer over that of the bottleneck.
        activation: Between the two projections.
        dropout: Dropout on the adapter's output.
        modules_to_save: As LoRA's.
    """

    name: str
    placement: Placement
    reduction_factor: float = field(
        metadata={"rule": Rule("use a number of at least 1, e.g. 16", lambda value: value >= 1)}
    )
    activation: Activation
    dropout: float = field(metadata=share(0.1))
    modules_to_save: list[str]


@dataclass(slots=True, kw_only=True)
class Ia3Method:
    """Trained factors of keys, values and feed-forward activations (Liu et al. 2022, https://arxiv.org/abs/2205.05638).

    Attributes:
        name: `ia3`.
        target_modules: Layers whose output is scaled, or with `feedforward_modules` their input; null takes peft's
            choice for the family.
        feedforward_modules: Those of them whose input is scaled.
        modules_to_save: As LoRA's.
    """

    name: str
    target_modules: list[str] | None
    feedforward_modules: list[str] | None
    modules_to_save: list[str]


@dataclass(slots=True, kw_only=True)
class PromptTuningMethod:
    """Trained vectors before the embedded text (Lester et al. 2021, https://arxiv.org/abs/2104.08691).

    Attributes:
        name: `prompt_tuning`.
        num_virtual_tokens: How many.
        init: `sample_vocab` takes embeddings of the vocabulary by chance, `random` draws them, `text` takes those of
            `init_text`.
        init_text: A text to begin from; else null.
    """

    name: str
    num_virtual_tokens: int = field(metadata=above_zero(16))
    init: PromptInit
    init_text: str | None


@dataclass(slots=True, kw_only=True)
class PrefixTuningMethod:
    """Trained keys and values before those of the text, in every layer (Li and Liang 2021,
    https://arxiv.org/abs/2101.00190).

    Attributes:
        name: `prefix_tuning`.
        num_virtual_tokens: How many in each layer.
        projection_size: Width of the network that they are made by while they are trained; null trains themselves.
    """

    name: str
    num_virtual_tokens: int = field(metadata=above_zero(16))
    projection_size: int | None = field(metadata=above_zero(128))


MethodConfig = FullMethod | LoraMethod | AdaptersMethod | Ia3Method | PromptTuningMethod | PrefixTuningMethod
METHODS: dict[str, type[MethodConfig]] = {
    "full": FullMethod,
    "lora": LoraMethod,
    "adapters": AdaptersMethod,
    "ia3": Ia3Method,
    "prompt_tuning": PromptTuningMethod,
    "prefix_tuning": PrefixTuningMethod,
}


def parse_method(values: Any) -> Parsed[MethodConfig]:
    """The method's section, of the type that its name says."""
    name = values.get("name") if isinstance(values, Mapping) else values
    if not isinstance(name, str) or name not in METHODS:
        return Parsed(None, [f"method.name is {name!r}; {option_suggestion(str(name), METHODS)}"])
    parsed: Parsed[MethodConfig] = parse_section(METHODS[name], values, "method", choices=METHODS)
    if parsed.problems:
        return parsed
    problems = _problems(parsed.section)
    return Parsed(None if problems else parsed.section, problems)


def _problems(method: MethodConfig) -> list[str]:
    match method:
        case LoraMethod(alpha=alpha, alpha_over_r=over) if alpha is not None and over is not None:
            return [f"method.alpha is {alpha:g} and method.alpha_over_r is {over:g}; give one of them"]
        case Ia3Method(target_modules=targets, feedforward_modules=inputs) if inputs is not None:
            if missing := [name for name in inputs if name not in (targets or [])]:
                return [f"method.feedforward_modules has '{missing[0]}'; name it in method.target_modules too"]
        case PromptTuningMethod(init=init, init_text=text) if (init is PromptInit.text) != bool(text):
            return [f"method.init is {init.value} and method.init_text is {text!r}; a text goes with method.init=text"]
    return []
