"""ONNX files as data: the check of their outer structure, without native code."""

from spline_lstm.errors import ArtifactDamagedError

# Fields of onnx.proto's ModelProto, and the wire types of protocol buffers.
_IR_VERSION, _GRAPH, _FUNCTIONS = 1, 7, 25
_VARINT, _BYTES = 0, 2
_FIXED_LENGTHS = {1: 8, 5: 4}


def check_structure(content: bytes, source: str) -> None:
    """Refuse bytes that are not an ONNX file before native code reads them.

    Raises:
        ArtifactDamagedError: The fields are not those of a model, or the file has a wrong length.

    """
    found, position = set(), 0
    try:
        while position < len(content):
            key, position = _read_varint(content, position)
            found.add((key >> 3, key & 7))
            position = _skip(content, position, key & 7)
    except (LookupError, ValueError):
        found = set()
    fits = position == len(content) and all(number <= _FUNCTIONS for number, _ in found)
    if not fits or not {(_IR_VERSION, _VARINT), (_GRAPH, _BYTES)} <= found:
        raise ArtifactDamagedError(f"{source} is not an ONNX file; export it again")


def _skip(content: bytes, position: int, wire_type: int) -> int:
    """Return the end of the value that begins at `position`."""
    if wire_type == _VARINT:
        return _read_varint(content, position)[1]
    if wire_type == _BYTES:
        length, position = _read_varint(content, position)
        return position + length
    return position + _FIXED_LENGTHS[wire_type]


def _read_varint(content: bytes, position: int) -> tuple[int, int]:
    """Return a number with 7 bits in each byte, lowest first, and its end."""
    value = 0
    for shift in range(0, 64, 7):
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number has more than 64 bits")
