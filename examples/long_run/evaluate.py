"""Accuracy of a folder of transformers on rows of one's own, by transformers alone: `evaluate.py FOLDER ROWS`."""

import json
import sys
from collections import Counter
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def main(folder: str, rows_file: str) -> None:
    """Print the accuracy, and what was taken for what."""
    rows = [json.loads(line) for line in Path(rows_file).read_text(encoding="utf-8").splitlines()]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    encoded = tokenizer(
        [row["text"] for row in rows], padding=True, truncation=True, max_length=64, return_tensors="pt"
    )
    with torch.inference_mode():
        answers = [model.config.id2label[index] for index in model(**encoded).logits.argmax(-1).tolist()]
    pairs = Counter((row["label"], answer) for row, answer in zip(rows, answers, strict=True))
    right = sum(count for (label, answer), count in pairs.items() if label == answer)
    print(f"accuracy {right / len(rows):.4f} of {len(rows)} rows")
    for (label, answer), count in pairs.most_common():
        if label != answer:
            print(f"{count} x {label} taken for {answer}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
