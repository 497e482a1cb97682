"""What each saving of a search is worth: the same sweep with one of them switched off, or one more switched on.

python -m benchmarks.ablation --out benchmarks/reports/ablation.md
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.hf_search import add_search_options, our_search, relative_table, write_rows
from benchmarks.report import add_out, header, publish

VARIANTS = {
    "as it is": [],
    "rungs at half epochs too": ["fit.eval_every={half}"],
    "no pruning": ["search/pruner=none"],
    "the first trial is random": ["search.start_from_config=false"],
    "SDPA attention": ["model.attention=sdpa"],
    "no tracker": ["tracking=none"],
}


def main() -> None:
    """Run the variants one after the other and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_search_options(parser, trials=8, epochs=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    add_out(parser)
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as name:
        num_train = write_rows(Path(name), options)
        for variant in options.only:
            overrides = [override.format(half=num_train // 2) for override in VARIANTS[variant]]
            folder = Path(name) / str(len(results))
            folder.mkdir()
            results.append((variant, our_search(Path(name), options, options.seed, overrides, folder)))
    note = (
        f"{options.rows} docstrings of {options.classes} packages, {options.trials} trials of {options.epochs} epochs, "
        f"MiniLM with LoRA, {options.threads} threads, seed {options.seed}."
    )
    publish([*header("What each saving is worth", note), *relative_table(results)], options.out)


if __name__ == "__main__":
    main()
