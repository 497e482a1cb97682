from pathlib import Path

import pytest

from slimtune.export.verification.pareto import draw_variants, pareto_variants
from tests.export.verification.test_check import report


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([(3.0, 1.0), (2.0, 1.0), (1.0, 0.9), (1.5, 0.8)], [1, 2]),
        # equals do not beat each other
        ([(1.0, 0.9), (1.0, 0.9)], [0, 1]),
        ([(1.0, 0.9)], [0]),
    ],
)
def test_the_front_is_what_no_other_beats(points: list[tuple[float, float]], front: list[int]) -> None:
    assert pareto_variants(points) == front


def test_a_picture_is_written(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "variants.png"
    draw_variants([report("pytorch", 9.0, 3.0), report("fp32", 8.0, 2.0)], path, min_agreement=0.99)
    with Image.open(path) as image:
        assert image.width > 1000
        # points of variants that passed are there
        colours = image.convert("RGB").getcolors(image.width * image.height)
    assert colours is not None
    assert (0x1A, 0x7F, 0x4B) in {colour for _, colour in colours}
