"""Find the files that parameters name, in the configuration in use."""

import mimetypes
from pathlib import Path

import fsspec

_ARCHIVES = {"application/x-tar": "tar", "application/zip": "zip"}


def locate(place: str, project_path: Path, conf_source: str) -> str:
    """Return the path or address of a file that a parameter names.

    A path that begins with `conf/` is relative to the configuration in use, whatever the name of its folder or archive.
    Any other path is relative to the project's folder. An address stays as it is.

    Args:
        place: The parameter's value.
        project_path: The project's folder.
        conf_source: The configuration in use: a folder, an archive, or the address of a folder.

    """
    if "://" in place:
        return place
    first, _, rest = place.partition("/")
    if first != "conf":
        return str(project_path / place)
    protocol = _ARCHIVES.get(mimetypes.guess_type(conf_source)[0] or "")
    if protocol:
        # As in Kedro, the configuration is the folder inside the archive.
        folder = fsspec.filesystem(protocol, fo=conf_source).ls("", detail=False)[-1]
        return f"{protocol}://{folder.strip('/')}/{rest}::{conf_source}"
    return f"{conf_source.rstrip('/')}/{rest}" if "://" in conf_source else str(Path(conf_source).absolute() / rest)
