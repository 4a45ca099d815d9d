"""Check the declared sizes in a zip archive against its own size before unpacking."""

import zipfile

_LARGEST_RATIO = 200
_ALWAYS_FINE = 64 << 20


def check_zip_sizes(archive: zipfile.ZipFile, archive_bytes: int) -> None:
    """Refuse an archive that would unpack to far more than its own size.

    Arrays of one repeated value shrink a thousandfold; whole files and models do not.

    Args:
        archive: The open archive.
        archive_bytes: Size of the archive.

    Raises:
        ValueError: The declared sizes contradict each other or are far too large.

    """
    for entry in archive.infolist():
        if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
            raise ValueError(f"'{entry.filename}' is stored with two sizes")
    claimed = sum(entry.file_size for entry in archive.infolist())
    if claimed > max(_ALWAYS_FINE, _LARGEST_RATIO * archive_bytes):
        raise ValueError(f"{archive_bytes:,} bytes claim to hold {claimed:,}")
