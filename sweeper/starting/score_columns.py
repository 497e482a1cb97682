"""Columns of numbers that may say how alike two texts are."""

from collections.abc import Collection, Sequence

from slimtune.sweeper.starting.seen_columns import Holds, SeenColumn
from slimtune.training.data.label_cells import USUAL_RANGES, fitting_range, usual_range

# of whole numbers, those of ids are all different
MOST_DISTINCT = 0.9
# fewer different whole numbers are numbered classes as well
LEAST_GRADES = 4


def are_scores(column: SeenColumn) -> bool:
    """Whether a column has several numbers, with fractions or of which some repeat, and so no ids."""
    if column.holds is not Holds.number or column.num_distinct < 2 or column.ends is None:
        return False
    repeat = column.num_distinct <= MOST_DISTINCT * column.num_cells
    return column.has_fractions or repeat or usual_range(*column.ends) == USUAL_RANGES[0]


def are_usual_scores(column: SeenColumn) -> bool:
    """Whether these lie between the ends that scores of pairs mostly have."""
    return are_scores(column) and column.ends is not None and usual_range(*column.ends) is not None


def are_graded(column: SeenColumn) -> bool:
    """Whether numbers are rather scores than numbered classes."""
    return column.has_fractions or (are_usual_scores(column) and column.num_distinct >= LEAST_GRADES)


def only_scores(columns: Sequence[SeenColumn], read: Collection[str | None]) -> str | None:
    """The column of scores, if the columns that are not read have one alone."""
    found = [one.name for one in columns if one.name not in read and are_scores(one)]
    return found[0] if len(found) == 1 else None


def range_beyond_shares(column: SeenColumn) -> tuple[float, float] | None:
    """Which numbers stand for not alike and for alike; None where these are 0 and 1, or there are no numbers."""
    if column.ends is None or usual_range(*column.ends) == USUAL_RANGES[0]:
        return None
    # of two labels no other number is known
    usual = None if column.two_labels else usual_range(*column.ends)
    return usual or fitting_range(column.ends)
