"""The model card in a bundle."""

from collections.abc import Mapping
from typing import Any


def predict_arguments(*, takes_pairs: bool) -> str:
    """What `slimtune predict` is to be given."""
    return '--text "..." --text-pair "..."' if takes_pairs else '--text "..."'


def model_card(manifest: Mapping[str, Any]) -> str:
    """Markdown for people: what the model is, what it scored, how to run it."""
    rows = [
        f"| {item['name']} | {item['metric']:.4f} | {item['metric_drop']:+.4f} "
        f"({item['drop_low']:+.4f} to {item['drop_high']:+.4f}) | {item['agreement']:.4f} "
        f"| {item['max_logit_gap']:.4f} | {item['size_mb']:.1f} | {item['latency_ms']:.2f} | {item['batch8_ms']:.2f} "
        f"| {item['peak_mb']:.0f} |"
        for item in manifest["variants"]
    ]
    return "\n".join(
        [
            f"# {manifest['data']}: {manifest['task']} of {len(manifest['labels'])} labels",
            "",
            f"Base model `{manifest['base_model']}`, trained by {manifest['method']}; "
            f"this bundle holds the variant **{manifest['variant']}**.",
            f"Labels: {', '.join(manifest['labels'])}.",
            *_test_lines(manifest),
            "",
            f"Measured on {manifest['num_validation_rows']} validation rows beside PyTorch in fp32 "
            f"(metric: {manifest['metric']}; drop with its 95 % interval; times: rows of median length, on the "
            "machine of the export):",
            "",
            "| variant | metric | drop | same label | largest logit gap | MB | ms, 1 row | ms, 8 rows | peak MB |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *rows,
            *_kept_lines(manifest),
            "",
            f"    slimtune predict --model <this folder> {predict_arguments(takes_pairs=manifest['takes_pairs'])}",
            "",
        ]
    )


def _kept_lines(manifest: Mapping[str, Any]) -> list[str]:
    kept = [f"{item['name']} keeps {', '.join(item['kept'])} in fp32." for item in manifest["variants"] if item["kept"]]
    return ["", *kept] if kept else []


def _test_lines(manifest: Mapping[str, Any]) -> list[str]:
    test = manifest.get("test")
    if not test:
        return []
    scores = ", ".join(
        f"{name} {item['value']:.4f} [{item['low']:.4f}, {item['high']:.4f}]" for name, item in test["scores"].items()
    )
    return [f"Test split, read once ({test['num_rows']} rows, 95 % bootstrap interval): {scores}."]
