"""The sheet as files for reviewers: a page to click through, and a table for whoever prefers one."""

import csv
import html
import io
import json

from slimtune.sweeper.review.sheet import TIE, Sheet
from slimtune.training.listed_names import counted

COLUMNS = ("row", "input", "reference")
CHOICE, REVIEWER, COMMENT = "choice", "reviewer", "comment"

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Review of {title}</title><style>
:root {{ color-scheme: light dark; --line: #8888; --chosen: #2a7ae2; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; }}
article {{ border-top: 1px solid var(--line); padding: 1rem 0; }}
.answers {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: .75rem; }}
label.answer {{ border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; cursor: pointer; }}
label.answer {{ display: block; }}
label.answer:has(:checked) {{ border-color: var(--chosen); outline: 2px solid var(--chosen); }}
label.answer:focus-within {{ outline: 2px dashed var(--chosen); }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
footer {{ position: sticky; bottom: 0; background: Canvas; padding: .75rem 0; border-top: 1px solid var(--line); }}
@media print {{ footer {{ display: none; }} }}
</style></head><body>
<h1>Which answer is better?</h1>
<p>{count}. Choose the better answer of each row, or that they are equally good. The order of the
answers is another one in each row, and nobody can see from where they come. At the end, save the file
and send it back.</p>
<form>{rows}</form>
<footer><label>Your name <input id="reviewer" autocomplete="name"></label>
<button id="save" type="button">Save my answers</button> <span id="count" role="status"></span></footer>
<script>
const rows = {numbers};
const chosen = () => rows.map(row => [row, document.querySelector(`[name="row${{row}}"]:checked`)?.value ?? ""]);
const tell = () => document.getElementById("count").textContent =
  chosen().filter(([, choice]) => choice).length + " of " + rows.length + " rows answered";
document.addEventListener("change", tell); tell();
document.getElementById("save").addEventListener("click", () => {{
  const quoted = text => `"${{text.replaceAll('"', '""')}}"`;
  const reviewer = document.getElementById("reviewer").value.trim();
  const lines = chosen().map(([row, choice]) => [row, choice, quoted(reviewer)].join(","));
  const link = document.createElement("a");
  const table = ["row,choice,reviewer", ...lines, ""].join("\\n");
  link.href = URL.createObjectURL(new Blob([table], {{type: "text/csv"}}));
  link.download = "review" + (reviewer ? "-" + reviewer.replace(/[^\\p{{L}}\\p{{N}}]+/gu, "-") : "") + ".csv";
  link.click();
}});
</script></body></html>
"""


def sheet_page(sheet: Sheet) -> str:
    """A page of its own, without a network: a radio button for each answer, and a button that saves a table."""
    articles = []
    for place, row in enumerate(sheet.rows, start=1):
        choices = [
            f'<label class="answer"><input type="radio" name="row{row.number}" value="{letter}"> <b>{letter}</b>'
            f'<div class="text">{html.escape(answer)}</div></label>'
            for letter, answer in row.answers.items()
        ]
        choices.append(
            f'<label class="answer"><input type="radio" name="row{row.number}" value="{TIE}"> equally good</label>'
        )
        expected = f'<p>Expected: <span class="text">{html.escape(row.reference)}</span></p>' if row.reference else ""
        articles.append(
            f'<article><h2>{place}</h2><p class="text">{html.escape(row.given)}</p>{expected}'
            f'<div class="answers" role="radiogroup" aria-label="row {place}">{"".join(choices)}</div></article>'
        )
    numbers = json.dumps([row.number for row in sheet.rows])
    title = html.escape(sheet.sweep)
    return PAGE.format(title=title, count=counted(len(sheet.rows), "row"), rows="".join(articles), numbers=numbers)


def sheet_table(sheet: Sheet) -> str:
    """The same as CSV, with the empty columns `choice`, `reviewer` and `comment`."""
    letters = sorted({letter for row in sheet.rows for letter in row.answers})
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*COLUMNS, *letters, CHOICE, REVIEWER, COMMENT])
    for row in sheet.rows:
        texts = [row.given, row.reference, *(row.answers.get(letter, "") for letter in letters)]
        table.writerow([row.number, *map(_no_formula, texts), "", "", ""])
    return text.getvalue()


def _no_formula(text: str) -> str:
    """As a spreadsheet shows it and does not compute it: texts come from files and models."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
