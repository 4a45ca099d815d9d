"""The pages that are made from code and configuration when the site is built.

MkDocs calls `on_files`. Everything that a page says comes from where the program has it: types and limits from
the pydantic models, defaults and meanings from `conf/base` and its comments, docstrings, the exception family.
"""

import ast
import html
import inspect
import itertools
import json
import posixpath
import re
import signal
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from spline_lstm.edge.contract import METADATA_KEY, EdgeContract
from spline_lstm.errors import SplineLSTMError
from spline_lstm.project.parameters import Parameters
from spline_lstm.reporting.markdown import table
from spline_lstm.series.bundle_format import META_KEYS, WINDOW_ARRAYS
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.schema import CovariateSchema

ROOT = Path(__file__).parents[2]
BASE = ROOT / "conf" / "base"
PROJECT_FILES = {"SECURITY.md": "security.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}

SOURCES = {
    "conf/base/parameters.yml": "reference/parameters.md",
    "conf/base/parameters_edge_poc.yml": "reference/parameters.md",
    "conf/base/catalog.yml": "reference/artifacts.md",
    "src/spline_lstm/series/schema.py": "reference/covariate-schema.md",
    "src/spline_lstm/errors.py": "reference/exit-codes.md",
    **{name: f"project/{page}" for name, page in PROJECT_FILES.items()},
}
"""What pages link to in the repository, to the page that is made from it."""

_KEY = re.compile(r"(?P<indent> *)(?P<name>\w+):(?P<value>[^#]*?)\s*(?:#\s*(?P<comment>.*))?")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference, and the documents that lie in the project's root."""
    pages = {
        "reference/parameters.md": parameters_page(),
        "reference/artifacts.md": artifacts_page(),
        "reference/covariate-schema.md": schema_page(),
        "reference/exit-codes.md": exit_codes_page(),
        **{f"project/{page}": project_page(name) for name, page in PROJECT_FILES.items()},
    }
    for path, content in pages.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links lead to the pages of the site."""
    return to_pages(markdown, page.file.src_uri)


def to_pages(markdown: str, page: str) -> str:
    """Return the text of a page with links to the pages that are made from code and configuration.

    Args:
        markdown: Its text, whose links hold in the repository, where only the sources of those pages are.
        page: Its path below `docs/`.

    """
    folder = posixpath.dirname(f"docs/{page}")

    def lead(found: re.Match[str]) -> str:
        made = SOURCES.get(posixpath.normpath(posixpath.join(folder, found[1])))
        return f"]({posixpath.relpath(f'docs/{made}', folder)})" if made else found[0]

    return re.sub(r"\]\(([^)#:]+)\)", lead, markdown)


def project_page(name: str) -> str:
    """Return a document of the root with its links as they are from `project/`."""
    return (ROOT / name).read_text().replace("](docs/", "](../")


def parameters_page() -> str:
    """Describe every parameter: default, what is allowed, meaning."""
    spec = Parameters.model_json_schema()
    parts = [
        "# Parameters",
        "Every parameter, as `conf/base/parameters*.yml` gives it. Change one on the command line, "
        "`kedro run --params epochs=5,edge_poc.p95_ms=10`, or in `conf/local/parameters.yml`. On the command line a "
        "comma or a `+` stands between the entries of a list: `target_cols=target,dew_point`. A misspelt name, a wrong "
        "type or a value out of range ends the run with exit code 2, before anything is computed.",
    ]
    for title, rows in _parameter_sections():
        cells = [
            [f"`{name}`", f"`{json.dumps(default)}`", allowed(_field(spec, name.split("."))), _escaped(meaning)]
            for name, default, meaning in rows
        ]
        parts.append(f"## {title}\n\n{table(['parameter', 'default', 'allowed', 'meaning'], cells)}")
    return "\n\n".join(parts) + "\n"


def _parameter_sections() -> Iterator[tuple[str, list[tuple[str, Any, str]]]]:
    """Yield each heading of the parameter files with `(dotted name, default, meaning)` below it."""
    for path in sorted(BASE.glob("parameters*.yml")):
        text = path.read_text()
        values, comments = yaml.safe_load(text), comments_of(text)
        if path.stem == "parameters":
            for title, block in _headed_blocks(text):
                yield title.partition(" (")[0], [(name, values[name], comments[name]) for name in yaml.safe_load(block)]
        else:
            ((group, settings),) = values.items()
            yield f"`{group}`", [(name, value, comments[parent]) for name, value, parent in _leaves(group, settings)]


def _headed_blocks(text: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^# --- (.*?) -+$", text, flags=re.MULTILINE)[1:]
    yield from zip(parts[::2], parts[1::2], strict=True)


def _leaves(group: str, settings: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield `(dotted name, value, dotted name of the entry that has the comment)`."""
    for name, value in settings.items():
        parent = f"{group}.{name}"
        inner = value.items() if isinstance(value, dict) else ()
        yield from ((f"{parent}.{key}", item, parent) for key, item in inner)
        if not inner:
            yield parent, value, parent


def comments_of(text: str) -> dict[str, str]:
    """Return the comment behind each entry of a YAML text, by dotted name."""
    comments: dict[str, str] = {}
    group = ""
    for line in text.splitlines():
        found = _KEY.fullmatch(line)
        if not found:
            continue
        name = f"{group}.{found['name']}" if found["indent"] else found["name"]
        group = group if found["indent"] else found["name"]
        if found["comment"]:
            comments[name] = found["comment"]
    return comments


def _field(spec: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """Find a parameter in the JSON schema; the parts of a dotted name lead through its models."""
    field: dict[str, Any] = spec["properties"][path[0]]
    if len(path) == 1:
        return field
    inner = spec["$defs"][field["$ref"].rpartition("/")[2]]
    return _field({**inner, "$defs": spec["$defs"]}, path[1:])


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_WORDS = {"string": "text", "boolean": "`true`, `false`", "null": "`null`"}


def allowed(field: dict[str, Any]) -> str:
    """Say in words what a field of a JSON schema takes."""
    if "anyOf" in field:
        return " or ".join(allowed(option) for option in field["anyOf"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"an object, see [`{name}`](#{name.lower()})"
    if "const" in field or "enum" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field["type"] == "array":
        return f"a list: {allowed(field['items'])}" + (", not empty" if {"minItems", "minLength"} & set(field) else "")
    if field["type"] == "object":
        return f"an object: name to {allowed(field['additionalProperties'])}"
    bounds = [f"{sign} {field[key]:,}" for key, sign in _BOUNDS.items() if key in field]
    return " ".join([_WORDS.get(field["type"], field["type"]), " and ".join(bounds)]).strip()


def artifacts_page() -> str:
    """Describe every dataset of the catalog, and what is inside the files that others read."""
    sections = [
        "# Artifacts",
        "Every dataset of `conf/base/catalog.yml`, by the layer that kedro-viz shows it in. `catalog.load(name)` reads "
        "it in a notebook. A benchmark has the same ones for each cell, under `<run id>.<name>`. All files are "
        "written atomically; who reads what another pipeline made gets exit code 20 where it is missing and 21 where "
        "it is damaged.",
        *_catalog_tables(),
        "## Inside `processed.npz`",
        "Plain arrays, read with `allow_pickle=False`, and `run_id`. `B` windows, `T` rows.",
        table(["key", "content"], _attributes(ModelInput, without=("preprocessor", "meta"))),
        "Beside them, unless `materialize_windows` says otherwise, the windows that are cut from them:",
        table(["key", "content"], [[f"`{key}`", meaning] for key, meaning in WINDOW_ARRAYS.items()]),
        "## Inside `meta.json`",
        "It is written last and holds the SHA-256 of the two files beside it. Every one has at least:",
        table(["key", "content"], [[f"`{key}`", meaning] for key, meaning in META_KEYS.items()]),
        "## Inside `preprocessor.pkl`",
        "A dict of builtins, read by an unpickler that imports nothing. Forecasts read from it:",
        table(["key", "content"], [[f"`{name}`", text] for name, text in field_docs(Preprocessor).items()]),
        "## Inside an exported file",
        f"JSON under the metadata key `{METADATA_KEY}` of every ONNX and TFLite file, and `contract.json` beside them. "
        f"{_body(EdgeContract)}",
        table(["key", "content"], [[f"`{name}`", text] for name, text in field_docs(EdgeContract).items()]),
    ]
    return "\n\n".join(sections) + "\n"


def _catalog_tables() -> Iterator[str]:
    """Yield a table a layer; the partitions of a preprocessing repeat another entry and are left out."""
    text = (BASE / "catalog.yml").read_text()
    folders = yaml.safe_load((BASE / "globals.yml").read_text())
    short = {
        **{f"globals:{name}": place.replace("\\${data_root}", folders["data_root"]) for name, place in folders.items()},
        **{name: place for name, place in yaml.safe_load(text).items() if isinstance(place, str)},
    }
    named = {name: meaning for meaning, name in re.findall(r"^# (.*)\n(\w+):$", text, flags=re.MULTILINE)}
    layers: dict[str, list[list[str]]] = {}
    for name, entry in yaml.safe_load(text).items():
        if not name.startswith("_") and "{" not in name:
            place = _path(_spelt_out(entry["filepath"], short)) if "filepath" in entry else "as their own entries say"
            row = [f"`{name}`", named[name], place, _maker(entry)]
            layers.setdefault(entry["metadata"]["kedro-viz"]["layer"], []).append(row)
    for layer, rows in layers.items():
        yield f"## {layer[3:].replace('_', ' ').capitalize()}\n\n{table(['dataset', 'what', 'where', 'made by'], rows)}"


def _spelt_out(place: str, short: dict[str, str]) -> str:
    """Put in what a path refers to; ids are left open."""
    while found := re.search(r"\$\{((?:globals:|_)\w+)\}", place):
        place = place.replace(found[0], short[found[1]])
    return re.sub(r"\$?\{(?:runtime_params:)?([\w.]+)\}", r"<\1>", place)


def _path(place: str) -> str:
    """Show a path that may break at its slashes."""
    return f"<code>{html.escape(place).replace('/', '/<wbr>')}</code>"


def _maker(entry: dict[str, Any]) -> str:
    made_by = entry.get("made_by")
    return f"`{made_by}`" if made_by else "you" if entry["metadata"]["kedro-viz"]["layer"] == "01_raw" else "a run"


def _attributes(kind: type, without: tuple[str, ...]) -> list[list[str]]:
    """Read the `Attributes:` of a class's docstring; a line may name several."""
    lines = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2]
    found = re.findall(r"^([\w, ]+): (.*(?:\n .*)*)", textwrap.dedent(lines), flags=re.MULTILINE)
    return [[f"`{name.replace(', ', '`, `')}`", " ".join(text.split())] for name, text in found if name not in without]


def field_docs(kind: type) -> dict[str, str]:
    """Read the docstring below each field of a class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    docs: dict[str, str] = {}
    for field, below in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            docs[ast.unparse(field.target)] = " ".join(str(below.value.value).split())
    return docs


def _body(kind: type) -> str:
    """Docstring of a class without its first line."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").partition("\n")[2].split())


def schema_page() -> str:
    """Describe every field of the covariate schema."""
    spec = CovariateSchema.model_json_schema()
    module = inspect.getmodule(CovariateSchema)
    parts = [
        "# Covariate schema",
        "A JSON file that says what the columns of a table are; the parameter `covariate_spec` names it. It is checked "
        "strictly: an unknown or duplicate key, a value that is not allowed, a name declared twice or malformed JSON "
        "ends the run with exit code 14. `kedro run --pipeline=describe` writes one to start with.",
        _fields_table(CovariateSchema, spec),
    ]
    for name, definition in spec["$defs"].items():
        kind = getattr(module, name)
        parts += [f"## `{name}`", inspect.cleandoc(kind.__doc__ or ""), _fields_table(kind, definition)]
    default = (BASE / "covariates" / "default.schema.json").read_text().strip()
    parts += ["## The schema of the bundled table", f"```json\n{default}\n```"]
    return "\n\n".join(parts) + "\n"


def _fields_table(kind: type, definition: dict[str, Any]) -> str:
    docs = field_docs(kind)
    required = definition.get("required", [])
    rows = [
        [f"`{name}`", allowed(field), "required" if name in required else _default(field), docs[name]]
        for name, field in definition["properties"].items()
    ]
    return table(["field", "allowed", "default", "meaning"], rows)


def _default(field: dict[str, Any]) -> str:
    return "see there" if "$ref" in field else f"`{json.dumps(field.get('default', {}))}`"


def exit_codes_page() -> str:
    """List every refusal with its exit code."""
    kinds: list[type[SplineLSTMError]] = [SplineLSTMError, *_below(SplineLSTMError)]
    own = [kind for kind in kinds if "exit_code" in vars(kind) and kind is not SplineLSTMError]
    groups = [kind for kind in kinds if kind not in own]
    rows = [[str(kind.exit_code), f"`{kind.__name__}`", _first_line(kind)] for kind in own]
    stops = [[str(128 + number), "", f"The run was stopped by {number.name}."] for number in _STOPS]
    rows = [["0", "", "The run came to its end."], *sorted(rows, key=lambda row: int(row[0])), *stops]
    several = [[f"`{kind.__name__}`", _first_line(kind), _codes(kind)] for kind in groups]
    sections = [
        "# Exit codes",
        "A run that is refused prints one line, `Error: ...`, to standard error: what, where, what was found and what "
        "is needed. Nothing half-written stays behind, and a table, schema or parameter that cannot be used is refused "
        "before TensorFlow loads. An error that nobody expected (70) leaves its traceback in a file under `logs/`, "
        "which the line names; `kedro run --traceback` prints the traceback of any error. The classes are in "
        "`spline_lstm.errors`.",
        table(["code", "class", "when"], rows),
        "## To catch several at once",
        table(["class", "what it stands for", "codes"], several),
    ]
    return "\n\n".join(sections) + "\n"


_STOPS = (signal.SIGINT, signal.SIGTERM)


def _below(kind: type[SplineLSTMError]) -> list[type[SplineLSTMError]]:
    return [below for child in kind.__subclasses__() for below in (child, *_below(child))]


def _first_line(kind: type) -> str:
    return inspect.cleandoc(kind.__doc__ or "").partition("\n")[0].replace("``", "`")


def _codes(kind: type[SplineLSTMError]) -> str:
    codes = sorted({child.exit_code for child in _below(kind) if "exit_code" in vars(child)})
    return ", ".join(map(str, codes))


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;")
