"""Files that a configuration names, found in the configuration that is in use."""

import mimetypes
from pathlib import Path

import fsspec

_ARCHIVES = {"application/x-tar": "tar", "application/zip": "zip"}


def locate(place: str, project_path: Path, conf_source: str) -> str:
    """Return the path or address of a file that a parameter names.

    A path that begins with `conf/` is one in the configuration in use, whatever its folder or archive is called.
    Any other path counts from the project's folder, and an address stays as it is.

    Args:
        place: What the parameter says.
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
        # As Kedro does: the configuration is the folder in the archive.
        folder = fsspec.filesystem(protocol, fo=conf_source).ls("", detail=False)[-1]
        return f"{protocol}://{folder.strip('/')}/{rest}::{conf_source}"
    return f"{conf_source.rstrip('/')}/{rest}" if "://" in conf_source else str(Path(conf_source).absolute() / rest)
