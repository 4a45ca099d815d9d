"""The documentation: what is made from code is complete, and what stands in pages is taken by the program."""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from spline_lstm.edge.contract import EdgeContract
from spline_lstm.errors import SplineLSTMError, exit_codes
from spline_lstm.series.bundle_format import ARRAYS
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.schema import CovariateSchema, parse_schema

PROJECT = Path(__file__).parents[1]
BASE = PROJECT / "conf" / "base"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The hook that MkDocs loads."""
    spec = importlib.util.spec_from_file_location("reference", PROJECT / "docs" / "hooks" / "reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(page: str) -> dict[str, list[str]]:
    """First cell of each table row, without backticks, to the others."""
    rows = [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in page.splitlines() if line.startswith("| ")]
    return {cells[0].strip("`"): cells[1:] for cells in rows}


def dotted_names(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from dotted_names(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def all_errors(kind: type[SplineLSTMError] = SplineLSTMError) -> list[type[SplineLSTMError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in all_errors(child))]


def test_every_parameter_stands_in_the_reference_with_what_is_allowed_and_what_it_means(reference: Any) -> None:
    rows = rows_of(reference.parameters_page())
    names = [name for path in BASE.glob("parameters*.yml") for name in dotted_names(yaml.safe_load(path.read_text()))]
    assert len(names) > 50
    for name in names:
        default, allowed, meaning = rows[name]
        assert default
        assert allowed
        assert len(meaning) > 5, name


def test_a_parameter_without_a_comment_stops_the_build(reference: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "comments_of", lambda _: {})
    with pytest.raises(KeyError, match="input_path"):
        reference.parameters_page()


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_exception_class_stands_in_the_reference_with_its_code_and_meaning(reference: Any, kind: Any) -> None:
    lines = [line for line in reference.exit_codes_page().splitlines() if f"`{kind.__name__}` | " in line]
    cells = lines[0].strip("| ").split(" | ")
    assert len(cells[cells.index(f"`{kind.__name__}`") + 1]) > 10
    if "exit_code" in vars(kind) and kind is not SplineLSTMError:
        assert cells[0] == str(kind.exit_code)


def test_every_dataset_stands_in_the_reference_with_its_place(reference: Any) -> None:
    rows = rows_of(reference.artifacts_page())
    entries = yaml.safe_load((BASE / "catalog.yml").read_text())
    names = [name for name in entries if "{" not in name and not name.startswith("_")]
    assert len(names) > 30
    for name in names:
        assert all(rows[name])


def test_everything_inside_the_files_stands_in_the_reference(reference: Any) -> None:
    page = reference.artifacts_page()
    keys = [*ARRAYS, *Preprocessor.model_fields, *EdgeContract.__dataclass_fields__]
    assert [name for name in keys if f"`{name}`" not in page] == []


def test_every_field_of_the_covariate_schema_stands_in_the_reference(reference: Any) -> None:
    spec = CovariateSchema.model_json_schema()
    rows = rows_of(reference.schema_page())
    for definition in (spec, *spec["$defs"].values()):
        for name in definition["properties"]:
            assert all(rows[name])


def json_blocks() -> list[Any]:
    found = []
    for path in sorted((PROJECT / "docs").rglob("*.md")):
        blocks = re.findall(r"^```json\n(.*?)^```", path.read_text(), flags=re.MULTILINE | re.DOTALL)
        found += [pytest.param(block, id=f"{path.stem}-{number}") for number, block in enumerate(blocks)]
    return found


@pytest.mark.parametrize("block", json_blocks())
def test_a_schema_in_a_page_is_taken(block: str) -> None:
    assert parse_schema(block, "a page").version == json.loads(block)["version"]


def typed_commands() -> list[str]:
    """Every `kedro run` of the pages, with continued lines joined."""
    texts = [
        path.read_text().replace("\\\n", "") for path in (PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md"))
    ]
    return sorted({found.strip() for text in texts for found in re.findall(r"kedro run ([^`#\n]*)", text)})


def known_parameters() -> set[str]:
    files = [yaml.safe_load(path.read_text()) for path in BASE.glob("parameters*.yml")]
    return {name for values in files for name in (*values, *dotted_names(values))}


def test_commands_in_pages_name_parameters_and_pipelines_that_exist() -> None:
    known = known_parameters()
    pipelines = {path.parent.name for path in (PROJECT / "src" / "spline_lstm" / "pipelines").glob("*/pipeline.py")}
    commands = typed_commands()
    assert len(commands) > 15
    for command in commands:
        named = re.findall(r"--pipeline=(\w+)", command)
        given = [pair for params in re.findall(r"--params[ =](\S+)", command) for pair in params.split(",")]
        assert set(named) <= pipelines, command
        assert {pair.partition("=")[0] for pair in given} <= known, command


def test_troubleshooting_has_every_exit_code_with_something_to_type_or_to_do() -> None:
    page = (PROJECT / "docs" / "how-to" / "troubleshoot.md").read_text()
    sections = re.findall(r"^## Exit code (\d+): .*\n\n((?:(?!## ).*\n)+)", page, flags=re.MULTILINE)
    assert [int(code) for code, _ in sections] == sorted(exit_codes())
    assert all(len(text) > 80 for _, text in sections)


def test_troubleshooting_names_parameters_that_exist() -> None:
    page = (PROJECT / "docs" / "how-to" / "troubleshoot.md").read_text()
    given = set(re.findall(r"`([a-z_]+(?:\.\w+)?)=", page))
    assert given - known_parameters() == set()


def markdown_files() -> list[Path]:
    return [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "data").glob("*.md")]


def anchors_of(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_link_of_a_page_leads_to_a_file_of_the_repository(path: Path) -> None:
    for link in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", path.read_text()):
        place, _, anchor = link.partition("#")
        target = path.parent / place if place else path
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_on_the_site_links_to_code_lead_to_the_pages_that_are_made_from_it(reference: Any) -> None:
    text = "[a](../../src/spline_lstm/errors.py) [b](../../SECURITY.md) [c](own-table.md#times)"
    assert reference.to_pages(text, "how-to/serve.md") == (
        "[a](../reference/exit-codes.md) [b](../project/security.md) [c](own-table.md#times)"
    )


def test_every_source_of_a_page_is_there(reference: Any) -> None:
    assert [name for name in reference.SOURCES if not (PROJECT / name).exists()] == []


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    words = list(rows_of((PROJECT / "docs" / "glossary.md").read_text()))[2:]
    assert words == sorted(words, key=str.lower)
