"""Reports as pages."""

import re

import pytest

from spline_lstm.reporting.markdown import table
from spline_lstm.reporting.page import fill_slot, make_page, to_html
from spline_lstm.reporting.picture import Line, Picture
from spline_lstm.reporting.run_page import add_gate

PICTURE = Picture("<b>EWR</b>", "step", "RMSE", (Line("model", [1, 2], [1, 2], "#3182bd"),))
REPORT = "# Run <gru>\n\n**Level.** Not better.\n\n## Accuracy\n\nText.\n\n## Files\n\n- one `path`\n- two"


@pytest.fixture(scope="module")
def page() -> str:
    return make_page(REPORT, {"Errors": [PICTURE], "Nothing": []}, {"release": "verdict", "edge gate": "Files"})


def test_the_verdict_comes_first_then_the_pictures_then_the_rest(page: str) -> None:
    order = ["<h1>", "<strong>Level.</strong> Not better.", "<h2>Errors</h2>", "<svg", "<h2>Accuracy</h2>", "<li>two"]
    places = [page.index(part) for part in order]
    assert places == sorted(places)
    assert "Nothing" not in page


def test_where_the_verdict_is_a_section_it_comes_first_too() -> None:
    made = make_page("# Benchmark\n\n## Which to ship\n\nThis.\n\n## Rows\n\nAll.", {"Errors": [PICTURE]})
    places = [made.index(part) for part in ('"verdict"', "This.", "<h2>Errors", "<h2>Rows")]
    assert places == sorted(places)


def test_a_page_needs_neither_network_nor_script(page: str) -> None:
    assert set(re.findall(r"https?://[^\"\s]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|<link|<img|url\(|@import|\bsrc=", page)


def test_a_page_follows_the_reader_from_light_to_dark_and_to_a_small_screen(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport" content="width=device-width' in page


def test_what_a_table_holds_cannot_become_markup(page: str) -> None:
    assert "<title>Run &lt;gru&gt;</title>" in page
    assert "<h3>&lt;b&gt;EWR&lt;/b&gt;</h3>" in page
    cells = to_html(table(["series", "RMSE"], [["<script>alert(1)</script>|a\nb", "`<i>`"]], numbers=True))
    assert "<td>&lt;script&gt;alert(1)&lt;/script&gt;|a b</td>" in cells
    assert '<td class="n"><code>&lt;i&gt;</code></td>' in cells


def test_a_list_a_heading_and_a_paragraph_are_what_they_are_in_markdown() -> None:
    made = to_html("### Small\n\n- a\n- **b**\n\nTwo\nlines.")
    assert made == "<h3>Small</h3>\n<ul><li>a</li><li><strong>b</strong></li></ul>\n<p>Two lines.</p>"


def test_the_gate_stands_behind_the_verdict_and_before_the_files_and_is_replaced(page: str) -> None:
    first = add_gate(page, "# Edge gate of gru\n\nmodel.onnx: **FAIL**.\n\n## Files\n\nAll.")
    again = add_gate(first, "# Edge gate of gru\n\nmodel.onnx: **PASS**.\n\n## Files\n\nAll.")
    assert "FAIL" in first
    assert "FAIL" not in again
    assert again.count("<strong>PASS</strong>") == 2
    places = [again.index(part) for part in ("PASS", "<h2>Errors", "<h2>Edge gate of gru", "<h3>Files", "<h2>Files")]
    assert places == sorted(places)


def test_a_page_without_the_place_is_not_filled() -> None:
    with pytest.raises(ValueError, match="no place for 'edge gate'"):
        fill_slot("<html></html>", "edge gate", "# Edge gate")
