import pytest

from slimtune.training.markdown_text import markdown_text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a | b", "a &#124; b"),
        ("a\n## Gate\r\n", "a ## Gate"),
        ("<img src=x> &lt;", "&lt;img src=x&gt; &amp;lt;"),
        ("![x](http://y)", r"\!\[x\](http://y)"),
        ("`code`", r"\`code\`"),
        (r"\[x](y) \| z", r"\\\[x\](y) \\&#124; z"),
        ("fit.learning_rate 0.5", "fit.learning_rate 0.5"),
    ],
)
def test_signs_of_markdown_and_html_are_text(text: str, told: str) -> None:
    """In one line, so that a text can neither end a cell nor begin a heading."""
    assert markdown_text(text) == told
