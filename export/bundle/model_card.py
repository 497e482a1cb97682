"""The model card in a bundle."""

from collections.abc import Mapping
from typing import Any

from slimtune.export.graph_names import Kind
from slimtune.training.data.prompt_template import FIELD


def predict_arguments(manifest: Mapping[str, Any]) -> str:
    """What `slimtune predict` is to be given."""
    template = (manifest.get("prompt") or {}).get("template") or ""
    if len(set(FIELD.findall(template))) > 1:
        return "--file rows.jsonl"
    has_two = manifest.get("takes_pairs", False) or manifest.get("kind") == Kind.embedding.value
    return '--text "..." --text-pair "..."' if has_two else '--text "..."'


def model_card(manifest: Mapping[str, Any]) -> str:
    """Markdown for people: what the model is, what it scored, how to run it."""
    rows = [
        f"| {item['name']} | {item['metric']:.4f} | {item['metric_drop']:+.4f} "
        f"({item['drop_low']:+.4f} to {item['drop_high']:+.4f}) | {item['agreement']:.4f} "
        f"| {item['max_logit_gap']:.4f} | {item['size_mb']:.1f} | {item['latency_ms']:.2f} | {item['batch8_ms']:.2f} "
        f"| {item['peak_mb']:.0f} |"
        for item in manifest["variants"]
    ]
    writes = Kind(manifest["kind"]).writes
    same = "same next token" if writes else "same answer"
    times = "16 new tokens after a prompt" if writes else "rows"
    return "\n".join(
        [
            f"# {manifest['data']}: {_task(manifest)}",
            "",
            f"Base model `{manifest['base_model']}`{_revision(manifest)}, trained by {manifest['method']}; "
            f"this bundle holds the variant **{manifest['variant']}**.",
            *_label_lines(manifest),
            *_prompt_lines(manifest),
            *_test_lines(manifest),
            "",
            f"Measured on {manifest['num_validation_rows']} validation rows beside PyTorch in fp32 "
            f"(metric: {manifest['metric']}; drop with its 95 % interval; times: {times} of median length, on the "
            "machine of the export):",
            "",
            f"| variant | metric | drop | {same} | largest logit gap | MB | ms, 1 row | ms, 8 rows | peak MB |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *rows,
            *_kept_lines(manifest),
            *_target_lines(manifest),
            "",
            f"    slimtune predict --model <this folder> {predict_arguments(manifest)}",
            "",
        ]
    )


def genai_card(manifest: Mapping[str, Any]) -> str:
    """Markdown for a folder of onnxruntime-genai."""
    found = manifest["genai"]
    return "\n".join(
        [
            f"# {manifest['data']}: {_task(manifest)}, for onnxruntime-genai in {manifest['variant']}",
            "",
            f"Base model `{manifest['base_model']}`{_revision(manifest)}, trained by {manifest['method']}.",
            *_prompt_lines(manifest),
            *_test_lines(manifest),
            "",
            f"Perplexity {found['perplexity']:.4f}, in PyTorch {found['perplexity_pytorch']:.4f}; "
            f"{found['answers_equal']:.0%} of the answers are PyTorch's to the last token; {found['size_mb']:.1f} MB; "
            f"{found['ms_per_token']:.2f} ms a token, in PyTorch {found['ms_per_token_pytorch']:.2f}, on the "
            "machine of the export.",
            "",
            f"    slimtune predict --model <this folder> {predict_arguments(manifest)}",
            "",
        ]
    )


def _task(manifest: Mapping[str, Any]) -> str:
    task, labels = str(manifest["task"]).replace("_", " "), manifest["labels"]
    return f"{task} of {len(labels)} labels" if labels else task


def _revision(manifest: Mapping[str, Any]) -> str:
    revision = manifest.get("base_revision")
    return f" at {revision}" if revision else ""


def _label_lines(manifest: Mapping[str, Any]) -> list[str]:
    return [f"Labels: {', '.join(manifest['labels'])}."] if manifest["labels"] else []


def _prompt_lines(manifest: Mapping[str, Any]) -> list[str]:
    template = (manifest.get("prompt") or {}).get("template")
    return [] if template is None else ["", "Prompt:", "", *(f"    {line}" for line in template.split("\n"))]


def _kept_lines(manifest: Mapping[str, Any]) -> list[str]:
    kept = [f"{item['name']} keeps {', '.join(item['kept'])} in fp32." for item in manifest["variants"] if item["kept"]]
    return ["", *kept] if kept else []


def _target_lines(manifest: Mapping[str, Any]) -> list[str]:
    target = manifest.get("target") or {}
    note = target.get("note")
    return ["", f"Target {target['name']}: {note}."] if note else []


def _test_lines(manifest: Mapping[str, Any]) -> list[str]:
    test = manifest.get("test")
    if not test:
        return []
    scores = ", ".join(
        f"{name} {item['value']:.4f} [{item['low']:.4f}, {item['high']:.4f}]" for name, item in test["scores"].items()
    )
    return [f"Test split, read once ({test['num_rows']} rows, 95 % bootstrap interval): {scores}."]
