"""Tables in Markdown."""


def table(heading: list[str], rows: list[list[str]], *, numbers: bool = False) -> str:
    """Return rows of text as a table; any character is allowed in a cell.

    Args:
        heading: One text for each column.
        rows: As many texts in each row.
        numbers: Whether all columns except the first hold numbers and are right-aligned.

    """
    rule = ["---", *["---:" if numbers else "---"] * (len(heading) - 1)]
    return "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in (heading, rule, *rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
