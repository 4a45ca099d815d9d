"""TFLite files as data: their metadata and operators, read and written without TensorFlow."""

from typing import Any

from spline_lstm.errors import ArtifactDamagedError

_IDENTIFIER = b"TFL3"


def check_header(content: bytes, source: str) -> None:
    """Refuse bytes that are no TFLite file before native code sees them.

    Raises:
        ArtifactDamagedError: The header is another one.

    """
    if content[4:8] != _IDENTIFIER:
        raise ArtifactDamagedError(f"{source} is not a TFLite file; export it again")


def _schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


def with_metadata(content: bytes, key: str, text: str) -> bytes:
    """Return the file with one more entry of metadata."""
    import flatbuffers

    schema = _schema()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(text.encode())
    model.buffers.append(buffer)
    entry.name, entry.buffer = key.encode(), len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(content) + len(text))
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def read_metadata(content: bytes, key: str) -> str | None:
    """Return an entry of metadata, or None where there is none."""
    model = _schema().Model.GetRootAs(content, 0)
    for position in range(model.MetadataLength()):
        entry = model.Metadata(position)
        if entry.Name() == key.encode():
            return str(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes().decode())
    return None


def operators(content: bytes) -> list[str]:
    """Name the operators in use; custom ones (among them Flex) start with `CUSTOM `."""
    schema = _schema()
    model = schema.Model.GetRootAs(content, 0)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    codes = [model.OperatorCodes(position) for position in range(model.OperatorCodesLength())]
    found = []
    for graph in (model.Subgraphs(position) for position in range(model.SubgraphsLength())):
        for position in range(graph.OperatorsLength()):
            code = codes[graph.Operators(position).OpcodeIndex()]
            custom = code.CustomCode()
            builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            found.append(f"CUSTOM {custom.decode()}" if custom else names[builtin])
    return found
