"""A checkpoint that is scored again, otherwise than in its trial."""


def rescored_note(metric: str, *, here: float, trained: float, precision: str) -> str | None:
    """Why a checkpoint has another score than in its trial; None where both are shown alike.

    Args:
        metric: The task's.
        here: Of the checkpoint, in fp32.
        trained: As it was saved with it.
        precision: `fit.precision`.
    """
    if f"{here:z.4f}" == f"{trained:z.4f}":
        return None
    return (
        f"the checkpoint was saved with {metric} {trained:z.4f}, computed in batches in the trial's precision "
        f"(fit.precision={precision}); here PyTorch computes in fp32, row by row"
    )
