"""What each saving of a search is worth: the same sweep with one of them switched off.

python -m benchmarks.ablation --out benchmarks/reports/ablation.md
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.hf_search import RELATIVE_COLUMNS, add_search_options, our_search, relative_cells, write_rows
from benchmarks.report import add_out, header, publish, table

VARIANTS = {
    "as it is": [],
    "no stopping at all": ["search/pruner=none"],
    "no learning-curve stop": ["search.stop_hopeless=false"],
    "rungs once an epoch": ["fit.eval_every=null"],
    "one slot": ["fit.slots=1"],
    "SDPA attention": ["model.attention=sdpa"],
    "evaluation in batches of 64 rows": ["fit.eval_batch_size=64"],
    "the first trial is random": ["search.start_from_config=false"],
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
        write_rows(Path(name), options)
        for variant in options.only:
            folder = Path(name) / str(len(results))
            folder.mkdir()
            given = ["fit.eval_every=0.5", *VARIANTS[variant]]
            results.append((variant, our_search(Path(name), options, options.seed, given, folder)))
    note = (
        f"{options.rows} docstrings of {options.classes} packages, {options.trials} trials of {options.epochs} epochs, "
        f"two evaluations an epoch, MiniLM with LoRA, {options.threads} threads, seed {options.seed}."
    )
    first_seconds = results[0][1]["seconds"]
    rows = [(variant, *relative_cells(row, first_seconds)) for variant, row in results]
    publish([*header("What each saving is worth", note), *table(("", *RELATIVE_COLUMNS), rows)], options.out)


if __name__ == "__main__":
    main()
