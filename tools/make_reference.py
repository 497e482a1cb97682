"""`make reference`: the pages of docs/reference/, from the types of the config and the parsers of the commands."""

from pathlib import Path

from slimtune.sweeper.reference.command_page import command_page
from slimtune.sweeper.reference.key_page import key_page

FOLDER = Path(__file__).parents[1] / "docs/reference"
PAGES = {"keys.md": key_page, "commands.md": command_page}


def main() -> None:
    """Write each page anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
