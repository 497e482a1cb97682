"""The model card in a bundle."""

from slimtune.export.bundle.interface import Interface
from slimtune.export.bundle.manifest import Manifest
from slimtune.export.bundle.variant_report import VariantReport
from slimtune.export.graph_names import Kind
from slimtune.training.data.prompt_template import FIELD
from slimtune.training.listed_names import counted, with_commas
from slimtune.training.markdown_text import markdown_text
from slimtune.training.tracking.display import told_readings, told_scores


def predict_arguments(interface: Interface) -> str:
    """What `slimtune predict` is to be given."""
    template = (interface.prompt.template if interface.prompt else None) or ""
    if len(set(FIELD.findall(template))) > 1:
        return "--file rows.jsonl"
    has_two = interface.takes_pairs or interface.kind is Kind.embedding
    return '--text "..." --text-pair "..."' if has_two else '--text "..."'


def model_card(manifest: Manifest) -> str:
    """Markdown for people: what the model is, what it scored, how to run it."""
    verified, metric = manifest.verification, manifest.training.metric
    writes = manifest.interface.kind.writes
    same = "same next token" if writes else "same answer"
    times = "16 new tokens after a prompt" if writes else "rows"
    return "\n".join(
        [
            title(manifest),
            "",
            f"{_trained(manifest)}; this bundle holds the variant **{manifest.variant}**.",
            *_label_lines(manifest),
            *_prompt_lines(manifest),
            *_seed_lines(manifest),
            *_test_lines(manifest),
            "",
            f"Measured on {counted(verified.num_validation_rows, 'validation row')} beside PyTorch in fp32 "
            f"(metric: {metric}; drop with its 95 % interval; times: {times} of median length, on the "
            "machine of the export):",
            "",
            f"| variant | metric | drop | {same} | largest logit gap | MB | ms, 1 row | ms, 8 rows | peak MB |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *map(_row, verified.variants),
            *_kept_lines(manifest),
            *_target_lines(manifest),
            *_predict_lines(manifest),
        ]
    )


def genai_card(manifest: Manifest) -> str:
    """Markdown for a folder of onnxruntime-genai."""
    found = manifest.genai
    assert found is not None
    return "\n".join(
        [
            title(manifest),
            "",
            f"{_trained(manifest)}.",
            *_prompt_lines(manifest),
            *_seed_lines(manifest),
            *_test_lines(manifest),
            "",
            f"Perplexity {found['perplexity']:.4f}, in PyTorch {found['perplexity_pytorch']:.4f}; "
            f"{found['answers_equal']:.0%} of the answers are PyTorch's to the last token; {found['size_mb']:.1f} MB; "
            f"{found['ms_per_token']:.2f} ms a token, in PyTorch {found['ms_per_token_pytorch']:.2f}, on the "
            "machine of the export.",
            *_predict_lines(manifest),
        ]
    )


def title(manifest: Manifest, name: str | None = None) -> str:
    """The first line of a card: whose it is, and what for.

    Args:
        manifest: Of the bundle.
        name: Of the registered model; None is the sweep, if it is of one.
    """
    name, task = name or manifest.provenance.sweep, _task(manifest)
    what = task if manifest.genai is None else f"{task}, for onnxruntime-genai in {manifest.variant}"
    return f"# {markdown_text(name)}: {what}" if name else f"# {what[:1].upper()}{what[1:]}"


def _task(manifest: Manifest) -> str:
    task, labels = manifest.training.task.replace("_", " "), manifest.interface.labels
    return f"{task} of {len(labels)} labels" if labels else task


def _trained(manifest: Manifest) -> str:
    training = manifest.training
    revision = f" at {training.base_revision}" if training.base_revision else ""
    return f"Base model `{training.base_model}`{revision}, trained by {training.method}"


def _row(report: VariantReport) -> str:
    timing = report.timing
    return (
        f"| {report.name} | {report.score:z.4f} | {report.metric_drop:+z.4f} "
        f"({report.drop_low:+z.4f} to {report.drop_high:+z.4f}) | {report.agreement:z.4f} "
        f"| {report.max_logit_gap:.4f} | {report.size_mb:.1f} | {timing.latency_ms:.2f} | {timing.batch8_ms:.2f} "
        f"| {timing.peak_mb:.0f} |"
    )


def _label_lines(manifest: Manifest) -> list[str]:
    labels = manifest.interface.labels
    return [f"Labels: {with_commas(labels)}."] if labels else []


def _prompt_lines(manifest: Manifest) -> list[str]:
    prompt = manifest.interface.prompt
    if prompt is None or prompt.template is None:
        return []
    return ["", "Prompt:", "", *(f"    {line}" for line in prompt.template.split("\n"))]


def _kept_lines(manifest: Manifest) -> list[str]:
    reports = [report for report in manifest.verification.variants if report.kept]
    kept = [f"{report.name} keeps {', '.join(report.kept)} in fp32." for report in reports]
    return ["", *kept] if kept else []


def _target_lines(manifest: Manifest) -> list[str]:
    target = manifest.target
    return [] if target is None or target.note is None else ["", f"Target {target.name}: {target.note}."]


def _seed_lines(manifest: Manifest) -> list[str]:
    """The trial was chosen by the mean over its seeds, and one run of it is the model."""
    seeds = manifest.provenance.validation_over_seeds or {}
    # what was exported is not known of older ones
    if seeds.get("num_seeds", 1) == 1 or "exported" not in seeds:
        return []
    return [
        f"Validation, over {seeds['num_seeds']} seeds: mean {seeds['mean']:z.4f}, spread {seeds['spread']:.4f}; this "
        f"model is the best of these runs, with {seeds['exported']:z.4f}."
    ]


def _test_lines(manifest: Manifest) -> list[str]:
    test = manifest.provenance.test
    if not test:
        return []
    scores = ", ".join(map(str, told_scores(test["scores"])))
    return [
        f"Test split, {told_readings(test)} ({counted(test['num_rows'], 'row')}, 95 % bootstrap interval): {scores}."
    ]


def _predict_lines(manifest: Manifest) -> list[str]:
    return ["", "In this folder:", "", f"    slimtune predict --model . {predict_arguments(manifest.interface)}", ""]
