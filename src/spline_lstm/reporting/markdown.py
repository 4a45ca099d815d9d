"""Tables in Markdown."""


def table(heading: list[str], rows: list[list[str]], *, numbers: bool = False) -> str:
    """Lay out rows of text, whatever a cell holds.

    Args:
        heading: One text a column.
        rows: As many texts a row.
        numbers: Whether all columns but the first hold numbers and are set to the right.

    """
    rule = ["---", *["---:" if numbers else "---"] * (len(heading) - 1)]
    return "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in (heading, rule, *rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
