"""The fields of a text with `{column}` in it."""

import re

# a name of a column, also a path such as {text.title}, or one with blanks and signs; what JSON puts in braces is none
NAME = r"\w(?:[^{}\"\n\\:;,=<>|]|:(?=\w))*?"
FIELD = re.compile(rf"(?<!\\)\{{[^\S\n]*({NAME})[^\S\n]*\}}")
# a field of another language of templates, which would leave braces around the value
DOUBLE = re.compile(rf"\{{\{{[^\S\n]*({NAME})[^\S\n]*\}}\}}")


def fields_of(template: str) -> list[str]:
    """Names of its columns, in order."""
    return FIELD.findall(template)


def template_problem(template: str, *, text_column: str, target_column: str) -> str | None:
    """What is wrong with a template, if anything."""
    doubled = DOUBLE.search(template)
    if doubled is not None:
        name = doubled[1]
        return f"has {doubled[0]}; use {{{name}}} for the value, or \\{{{name}\\}} for the word in braces"
    *before, last = fields_of(template) or [""]
    if target_column.strip() in before and last == target_column.strip():
        return f"is {template!r}, whose prompt tells the target {{{last}}}; name it once, at the end"
    if last != target_column.strip():
        example = f"'User: {{{text_column}}}\\nAssistant: {{{target_column}}}'"
        return f"is {template!r}; its last field must be data.target_column, e.g. {example}"
    return None
