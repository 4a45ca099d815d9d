"""TFLite files as data: metadata, operators and buffers, read and written without TensorFlow."""

from typing import Any

import numpy as np

from spline_lstm.errors import ArtifactDamagedError

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16
"""Alignment of a buffer's data in bytes, so that a device can read weights in place."""


def check_header(content: bytes, source: str) -> None:
    """Refuse bytes that are not a TFLite file before native code reads them.

    Raises:
        ArtifactDamagedError: The header is wrong.

    """
    if content[4:8] != _IDENTIFIER:
        raise ArtifactDamagedError(f"{source} is not a TFLite file; export it again")


def schema() -> Any:
    """Return the module that describes the format."""
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


def unpack(content: bytes) -> Any:
    """Return a file as mutable objects."""
    return schema().ModelT.InitFromObj(schema().Model.GetRootAs(content, 0))


def pack(model: Any) -> bytes:
    """Return objects as a file, with aligned weights and without unused buffers."""
    import flatbuffers

    _drop_unused_buffers(model)
    for buffer in model.buffers:
        buffer.Pack = lambda builder, data=buffer.data: _pack_buffer(builder, data)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def _pack_buffer(builder: Any, data: np.ndarray | None) -> int:
    made = schema()
    offset = None
    if data is not None and len(data):
        content = np.asarray(data, dtype=np.uint8).tobytes()
        builder.StartVector(1, len(content), _ALIGNMENT)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        offset = builder.EndVector()
    made.BufferStart(builder)
    if offset is not None:
        made.BufferAddData(builder, offset)
    return int(made.BufferEnd(builder))


def add_buffer(model: Any, data: bytes) -> int:
    """Add a buffer and return its index."""
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(data, dtype=np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _drop_unused_buffers(model: Any) -> None:
    """Let all tensors without data share the first buffer, which the format keeps empty, and drop all unused ones."""
    used, kept = {0: 0}, [model.buffers[0]]
    for owner in [*(tensor for graph in model.subgraphs for tensor in graph.tensors), *(model.metadata or [])]:
        data = model.buffers[owner.buffer].data
        if data is None or not len(data):
            owner.buffer = 0
        elif owner.buffer not in used:
            used[owner.buffer] = len(kept)
            kept.append(model.buffers[owner.buffer])
        owner.buffer = used[owner.buffer]
    model.buffers = kept


def finish(content: bytes, key: str, text: str) -> bytes:
    """Return the file for release: with one entry of metadata, without names and descriptions of tensors."""
    model, entry = unpack(content), schema().MetadataT()
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        tensor.name = None
        if tensor.quantization is not None and tensor.quantization.scale is None:
            tensor.quantization = None
    entry.name, entry.buffer = key.encode(), add_buffer(model, text.encode())
    model.metadata = [*(model.metadata or []), entry]
    return pack(model)


def read_metadata(content: bytes, key: str) -> str | None:
    """Return an entry of metadata, or None where there is none."""
    model = schema().Model.GetRootAs(content, 0)
    for position in range(model.MetadataLength()):
        entry = model.Metadata(position)
        if entry.Name() == key.encode():
            return str(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes().decode())
    return None


def _builtin(code: Any) -> int:
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def kind(model: Any, operator: Any) -> int:
    """Return the builtin operator of an operator in an unpacked model."""
    return _builtin(model.operatorCodes[operator.opcodeIndex])


def operator_code(model: Any, builtin: int, version: int) -> int:
    """Return the index of an operator's code in an unpacked model; add the code if it is missing."""
    for position, code in enumerate(model.operatorCodes):
        if (_builtin(code), code.version) == (builtin, version):
            return position
    code = schema().OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def operators(content: bytes) -> list[str]:
    """Name the operators in use; custom ones (among them Flex) start with `CUSTOM `."""
    made = schema()
    model = made.Model.GetRootAs(content, 0)
    names = {value: name for name, value in vars(made.BuiltinOperator).items() if isinstance(value, int)}
    codes = [model.OperatorCodes(position) for position in range(model.OperatorCodesLength())]
    found = []
    for graph in (model.Subgraphs(position) for position in range(model.SubgraphsLength())):
        for position in range(graph.OperatorsLength()):
            code = codes[graph.Operators(position).OpcodeIndex()]
            custom = code.CustomCode()
            builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            found.append(f"CUSTOM {custom.decode()}" if custom else names[builtin])
    return found
