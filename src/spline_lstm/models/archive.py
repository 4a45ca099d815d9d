"""Networks as `.keras` archives: repeatable when written, safe when read."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from spline_lstm.errors import ArtifactDamagedError, is_shortage, own_error
from spline_lstm.models.backend import load_keras
from spline_lstm.temporary import temporary_folder
from spline_lstm.text import first_line
from spline_lstm.types import Float32
from spline_lstm.zip_sizes import check_zip_sizes


def archive_network(network: Any) -> bytes:
    """Return a network as a `.keras` archive without its optimiser; the same weights give the same bytes."""
    with temporary_folder() as folder, _zip_dates():
        path = folder / "model.keras"
        bare = load_keras().Model.from_config(network.get_config())
        bare.set_weights(network.get_weights())
        bare.save(path)
        return _repeatable(path.read_bytes())


@contextmanager
def _zip_dates() -> Iterator[None]:
    """Give Keras' zip files a fixed date: zip has none before 1980, but a clock without a battery may start earlier."""
    clock = zipfile.time  # type: ignore[attr-defined]
    fixed = SimpleNamespace(time=time.time, localtime=lambda _: time.struct_time((1980, 1, 1, 0, 0, 0, 1, 1, 0)))
    zipfile.time = fixed  # type: ignore[attr-defined]
    try:
        yield
    finally:
        zipfile.time = clock  # type: ignore[attr-defined]


def load_network(content: bytes, source: str) -> Any:
    """Load a `.keras` archive in safe mode: no code in it is executed, and only Keras' own layers are made.

    Args:
        content: The archive.
        source: The archive's name in messages.

    Raises:
        ArtifactDamagedError: The archive is damaged, or holds code.

    """
    keras = load_keras()
    with temporary_folder() as folder:
        path = folder / "model.keras"
        path.write_bytes(content)
        try:
            _check_archive(content)
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            if is_shortage(error):
                raise own_error(error) from error
            raise ArtifactDamagedError(f"{source} cannot be loaded: {first_line(error)}; train again") from error


_KERAS_MODULES = (
    "keras",
    "keras.constraints",
    "keras.initializers",
    "keras.layers",
    "keras.regularizers",
    "keras.src.models.functional",
    "keras.src.ops.nn",
    "keras.src.ops.numpy",
)


def _check_archive(content: bytes) -> None:
    """Refuse an archive with implausible sizes, or with names in its configuration that no network needs.

    While Keras builds the network, it imports and calls the objects of these names.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        check_zip_sizes(archive, len(content))
        foreign = sorted(_modules_in(json.loads(archive.read("config.json"))) - set(_KERAS_MODULES))
    if foreign:
        raise ValueError(f"it names {foreign[0]}, and only layers, initializers and operations of Keras may be named")


def _modules_in(config: Any) -> set[str]:
    """Return the modules that a Keras configuration names; a list or object in place of a name counts as a name."""
    if isinstance(config, list):
        return set().union(*map(_modules_in, config))
    if not isinstance(config, dict):
        return set()
    named = {str(config["module"])} if config.get("module") is not None else set()
    return named.union(*map(_modules_in, config.values()))


def _repeatable(archive: bytes) -> bytes:
    """Rewrite a `.keras` archive without dates and memory addresses, which differ from run to run."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(result, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                metadata = json.loads(content)
                metadata.pop("date_saved", None)
                content = json.dumps(metadata).encode()
            elif name == "config.json":
                content = json.dumps(_number_shared_objects(json.loads(content), {})).encode()
            target.writestr(zipfile.ZipInfo(name), content)
    return result.getvalue()


def _number_shared_objects(config: Any, numbers: dict[int, int]) -> Any:
    """Number the shared objects of a Keras configuration in order; Keras uses their memory addresses as ids."""
    if isinstance(config, list):
        return [_number_shared_objects(item, numbers) for item in config]
    if not isinstance(config, dict):
        return config
    return {
        key: numbers.setdefault(value, len(numbers))
        if key == "shared_object_id"
        else _number_shared_objects(value, numbers)
        for key, value in config.items()
    }


def compiled_call(network: Any, window: Float32) -> Callable[[], Any]:
    """Return one inference of the network as a compiled function, for latency measurements.

    Args:
        network: A Keras network.
        window: Input of batch 1, `(1, lookback, features)`.

    """
    import tensorflow as tf

    function = tf.function(lambda tensor: network(tensor, training=False))
    tensor = tf.constant(window)
    return lambda: function(tensor).numpy()
