from slimtune.export.promotion.report import as_markdown


def test_texts_of_others_do_not_break_the_table() -> None:
    """A label, or a message of an error, with signs that mean something to Markdown or HTML."""
    odd = "labels x | y\n## Gate\n<img src=z>"
    report = {
        "at": "2026",
        "alias": "champion",
        "verdict": "refused",
        "reason": odd,
        "rules": [{"rule": "min_gain", "outcome": "refused", "told": odd}],
        "comparison": {"notes": [odd, "![](http://x)"]},
    }
    lines = as_markdown(report).splitlines()
    assert len(lines) == 8
    assert lines[4].replace(" ", "").count("|") == 4
    assert not [line for line in lines if "<img" in line or "![" in line or line.startswith("## ")]
