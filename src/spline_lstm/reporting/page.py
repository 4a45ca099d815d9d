"""Reports as pages: each is one HTML file with its pictures, without network or scripts.

A page is made from the Markdown of a report. It understands the Markdown that `reporting` writes: headings, paragraphs,
lists, tables, bold words and code. All text is escaped first, so that names in a table cannot become markup.
"""

import html
import re
from collections.abc import Mapping, Sequence

from spline_lstm.reporting import svg
from spline_lstm.reporting.picture import Picture

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #24292f; --soft: #59636e; --rule: #d8dee4; --panel: #f6f8fa;
  --accent: #1f6fb2; }
@media (prefers-color-scheme: dark) { :root { --page: #0f1419; --ink: #e3e8ee; --soft: #9aa6b2; --rule: #313b46;
  --panel: #18202a; --accent: #6db3ea; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 20px 16px 64px; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; margin: 8px 0 16px; }
h2 { font-size: 1.15rem; margin: 40px 0 10px; padding-top: 14px; border-top: 1px solid var(--rule); }
h3 { font-size: 0.95rem; margin: 22px 0 6px; overflow-wrap: anywhere; }
figure h3 { margin-top: 0; }
p, li { max-width: 78ch; overflow-wrap: anywhere; }
.verdict { background: var(--panel); border-left: 4px solid var(--accent); border-radius: 4px; padding: 4px 16px;
  font-size: 1.1rem; }
.verdict h2 { margin: 12px 0 0; padding: 0; border: 0; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 16px; }
figure { margin: 0; padding: 12px; background: var(--panel); border-radius: 6px; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
.table { overflow-x: auto; margin: 14px 0; }
table { border-collapse: collapse; font-size: 0.86rem; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px 4px 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
td:first-child { white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
th.n, td.n { text-align: right; white-space: nowrap; }
code { font-size: 0.88em; background: var(--panel); border-radius: 3px; padding: 1px 4px; overflow-wrap: anywhere; }
td code { background: none; padding: 0; }
""".strip()


def make_page(report: str, pictures: Mapping[str, Sequence[Picture]], slots: Mapping[str, str] | None = None) -> str:
    """Make the page of a report: its opening, the pictures, and the rest.

    Args:
        report: Markdown that begins with the title. The opening is the text after the title, or else the first section.
        pictures: Heading to the pictures below it.
        slots: Name of a place for `fill_slot` to the heading after it; `verdict` is the end of the opening.

    """
    first, *sections = re.split(r"^(?=## )", report, flags=re.MULTILINE)
    title, _, verdict = first.partition("\n")
    if not verdict.strip():
        verdict, *sections = sections
    title = html.escape(title.removeprefix("# "))
    parts = [
        f'<h1>{title}</h1>\n<div class="verdict">{to_html(verdict)}{_slots_before("verdict", slots)}</div>',
        *(_picture_section(heading, part) for heading, part in pictures.items() if part),
        *(_slots_before(part.partition("\n")[0].removeprefix("## "), slots) + to_html(part) for part in sections),
    ]
    body = "\n".join(parts)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _slots_before(heading: str, slots: Mapping[str, str] | None) -> str:
    return "".join(_marked(name, "") for name, place in (slots or {}).items() if place == heading)


def _marked(name: str, content: str) -> str:
    return f"<!-- {name} -->{content}<!-- end of {name} -->"


def fill_slot(page: str, name: str, report: str) -> str:
    """Put a report, as a section, into its place in a page; it replaces earlier content.

    Raises:
        ValueError: The page has no such place.

    """
    before, _, rest = page.partition(f"<!-- {name} -->")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not end:
        raise ValueError(f"the page has no place for '{name}'")
    lower = re.sub(r"^(#+ )", r"#\1", report, flags=re.MULTILINE)
    return f"{before}{_marked(name, to_html(lower))}{after}"


def _picture_section(heading: str, pictures: Sequence[Picture]) -> str:
    figures = "".join(
        f"<figure><h3>{html.escape(picture.title)}</h3>{svg.draw(picture)}</figure>" for picture in pictures
    )
    return f'<h2>{html.escape(heading)}</h2>\n<div class="pictures">{figures}</div>'


def to_html(markdown: str) -> str:
    """Return the HTML of Markdown as reports write it."""
    return "\n".join(_block(block) for block in re.split(r"\n{2,}", markdown.strip()) if block)


def _block(block: str) -> str:
    if heading := re.fullmatch(r"(#+) (.*)", block):
        level = len(heading[1])
        return f"<h{level}>{_inline(heading[2])}</h{level}>"
    lines = block.split("\n")
    if block.startswith("| "):
        return _table(lines)
    if block.startswith("- "):
        items = "".join(f"<li>{_inline(line.removeprefix('- '))}</li>" for line in lines)
        return f"<ul>{items}</ul>"
    return f"<p>{_inline(' '.join(lines))}</p>"


def _table(lines: list[str]) -> str:
    heading, rule, *rows = (_cells(line) for line in lines)
    kinds = [' class="n"' if cell.strip().endswith(":") else "" for cell in rule]

    def row(cells: list[str], tag: str) -> str:
        inner = "".join(f"<{tag}{kind}>{_inline(cell)}</{tag}>" for cell, kind in zip(cells, kinds, strict=True))
        return f"<tr>{inner}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f'<div class="table"><table><thead>{row(heading, "th")}</thead><tbody>{body}</tbody></table></div>'


def _cells(line: str) -> list[str]:
    return [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _inline(text: str) -> str:
    escaped = html.escape(text.strip())
    coded = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", coded)
