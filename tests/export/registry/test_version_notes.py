import pytest

from slimtune.export.registry.version_notes import with_section

GATE = "## Gate"


def test_a_section_stands_at_the_end_when_there_is_none() -> None:
    assert with_section("The card.\n", "passed", heading=GATE) == "The card.\n\n## Gate\n\npassed\n"
    assert with_section("", "passed", heading=GATE) == "## Gate\n\npassed\n"
    assert with_section("## Gates\n\nx", "passed", heading=GATE) == "## Gates\n\nx\n\n## Gate\n\npassed\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("heading", ["## Notes of a person", "# Notes"])
def test_what_people_wrote_below_the_section_stays(heading: str, end: str) -> None:
    """Version after version; a heading of a lower level belongs to the section."""
    text = end.join(["The card.", "", GATE, "", "refused", "### more", "", heading, "", r"Asked Jo, \1.", ""])
    once = with_section(text, "passed", heading=GATE)
    assert once.replace("\r", "") == f"The card.\n\n## Gate\n\npassed\n\n{heading}\n\nAsked Jo, \\1.\n"
    assert with_section(once, "passed", heading=GATE) == once


def test_a_description_that_begins_with_the_section_has_it_once() -> None:
    assert with_section("## Gate\n\nrefused\n", "passed", heading=GATE) == "## Gate\n\npassed\n"
