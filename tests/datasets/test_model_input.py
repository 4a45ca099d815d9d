"""The folder of preprocessed data: what is accepted, and what is refused with which code."""

import dataclasses
import io
import json
import logging
import pickle
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.io.core import DatasetError

from spline_lstm.datasets import arrays, model_input
from spline_lstm.datasets.address import Address, Place, place_at
from spline_lstm.datasets.model_input import ModelInputDataset
from spline_lstm.datasets.storage import sha256_of
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, RunIdMismatchError, ShapeContractError
from spline_lstm.series.bundle_format import ARRAYS, META_KEYS, window_bytes
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor_file import load_preprocessor

COMMAND = "kedro run --pipeline=preprocessing"
FILES = ("processed.npz", "preprocessor.pkl", "meta.json")


def open_dataset(folder: Path | str, **options: Any) -> ModelInputDataset:
    windows = {"lookback": 6, "lookback_span": 6, "horizon": 3, "stride": 1, "split": (0.7, 0.15, 0.15)}
    return ModelInputDataset(filepath=str(folder), made_by=COMMAND, windows=windows, **options)


def edit_meta(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    change(meta)
    (folder / "meta.json").write_text(json.dumps(meta))


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Put other content in place and its hash into `meta.json`, as someone who means harm would."""
    (folder / name).write_bytes(content)
    edit_meta(folder, lambda meta: meta["sha256"].update({name: sha256_of(folder / name)}))


def replace_arrays(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    with np.load(folder / "processed.npz") as archive:
        arrays = dict(archive)
    change(arrays)
    content = io.BytesIO()
    np.savez(content, **arrays)
    replace_file(folder, "processed.npz", content.getvalue())


@pytest.fixture(scope="module")
def bundle(prepare_table: Any, make_table: Any) -> ModelInput:
    return prepare_table(make_table(steps=50, gaps={"target": [9]}), feature_mode="multivariate")


@pytest.fixture
def folder(bundle: ModelInput, tmp_path: Path) -> Path:
    """The bundle on disk, in a folder of its run id."""
    open_dataset(tmp_path / "test").save(bundle)
    return tmp_path / "test"


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_read_as_they_were_written(name: str, folder: Path, bundle: ModelInput) -> None:
    np.testing.assert_array_equal(getattr(open_dataset(folder).load(), name), getattr(bundle, name))


def test_the_learnt_state_is_read_as_it_was_written(folder: Path, bundle: ModelInput) -> None:
    assert open_dataset(folder).load().preprocessor == bundle.preprocessor


def test_a_save_leaves_the_three_files_of_the_contract(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_meta_holds_the_hashes_of_the_files_beside_it(folder: Path) -> None:
    hashes = json.loads((folder / "meta.json").read_text())["sha256"]
    assert hashes == {name: sha256_of(folder / name) for name in FILES[:2]}


@pytest.mark.parametrize("name", FILES)
def test_it_exists_only_with_all_three_files(name: str, folder: Path) -> None:
    dataset = open_dataset(folder)
    before = dataset.exists()
    (folder / name).unlink()
    assert (before, dataset.exists()) == (True, False)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_names_the_command_that_makes_it(name: str, folder: Path, refuses_load: Any) -> None:
    (folder / name).unlink()
    with refuses_load(ArtifactMissingError, 20, f"{name} is missing; make it with: {COMMAND}"):
        open_dataset(folder).load()


def test_a_save_that_fails_before_meta_counts_as_absent(folder: Path, bundle: ModelInput, refuses_load: Any) -> None:
    unwritable = dataclasses.replace(bundle, meta={**bundle.meta, "step_seconds": float("nan")})
    with pytest.raises(DatasetError):
        open_dataset(folder).save(unwritable)
    with refuses_load(ArtifactMissingError, 20, "meta.json is missing"):
        open_dataset(folder).load()


@pytest.mark.parametrize("share", range(25))
@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_refused(name: str, share: int, folder: Path, refuses_load: Any) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) * share // 25])
    with refuses_load(ArtifactDamagedError, 21, name):
        open_dataset(folder).load()


@pytest.mark.parametrize("name", FILES[:2])
def test_a_flipped_bit_is_refused(name: str, folder: Path, refuses_load: Any) -> None:
    content = (folder / name).read_bytes()
    for position in np.linspace(0, 8 * len(content) - 1, 30).astype(int):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        (folder / name).write_bytes(damaged)
        with refuses_load(ArtifactDamagedError, 21, f"{name} is damaged"):
            open_dataset(folder).load()


# Places in the archive at which Python's readers raise something else than they do for most damage.
@pytest.mark.parametrize("flag", [b"PK\x03\x04", b"PK\x01\x02"], ids=["local header", "directory"])
def test_a_bit_that_marks_an_array_as_encrypted_is_refused(flag: bytes, folder: Path, refuses_load: Any) -> None:
    damaged = bytearray((folder / "processed.npz").read_bytes())
    damaged[damaged.index(flag) + (6 if flag == b"PK\x03\x04" else 8)] ^= 1
    (folder / "processed.npz").write_bytes(damaged)
    with refuses_load(ArtifactDamagedError, 21, "processed.npz is damaged"):
        open_dataset(folder).load()


def test_a_flipped_bit_of_meta_is_refused_or_changes_no_array(folder: Path, bundle: ModelInput) -> None:
    content, silent = (folder / "meta.json").read_bytes(), []
    refusals = (ArtifactDamagedError, RunIdMismatchError, ShapeContractError)
    for position in np.linspace(0, 8 * len(content) - 1, 60).astype(int):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        (folder / "meta.json").write_bytes(damaged)
        try:
            loaded = open_dataset(folder).load()
            fine = all(
                np.array_equal(getattr(loaded, name), getattr(bundle, name)) for name in ("X", "raw_target", "y_mask")
            )
        except DatasetError as wrapped:
            fine = type(wrapped.__cause__) in refusals
        if not fine:
            silent.append(int(position))
    assert silent == []


def test_an_object_array_is_refused(folder: Path, refuses_load: Any) -> None:
    replace_arrays(folder, lambda arrays: arrays.update(X=np.array([{}], dtype=object)))
    with refuses_load(ArtifactDamagedError, 21, "'X' has the type object"):
        open_dataset(folder).load()


def npy(shape: str, dtype: str, held: bytes, version: bytes = b"\x01\x00") -> bytes:
    """An array file whose header may say anything."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    length = len(header).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + length + header + held


def write_bombs(folder: Path, contents: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    """Put an archive of hostile arrays in place, with a hash that fits."""
    with zipfile.ZipFile(folder / "processed.npz", "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(f"{name}.npy", content)
    record_hash(folder)


def record_hash(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    meta["sha256"]["processed.npz"] = sha256_of(folder / "processed.npz")
    (folder / "meta.json").write_text(json.dumps(meta))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy("(1000000000000,)", "<f8", bytes(8)), "declares (1000000000000,) values of float64"),
        (npy("(3,)", "<f8", bytes(16)), "24 bytes, and holds 16"),
        (npy("(1,)", "<f8", bytes(16)), "8 bytes, and holds 16"),
        (npy("(1000000000000,)", "|V0", b""), "0 bytes, and holds 0"),
        (npy("(-1,)", "<f8", bytes(8)), "-8 bytes, and holds 8"),
        (npy("(2,)", "<f8", bytes(16), b"\x03\x00"), "(3, 0)"),
    ],
)
def test_an_array_that_declares_another_size_than_it_has_is_refused(
    content: bytes, message: str, folder: Path, refuses_load: Any
) -> None:
    write_bombs(folder, {"X": content})
    tracemalloc.start()
    with refuses_load(ArtifactDamagedError, 21, "processed.npz is damaged", message):
        open_dataset(folder).load()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_an_archive_that_claims_far_more_than_it_is_is_refused(folder: Path, refuses_load: Any) -> None:
    write_bombs(folder, {"X": npy("(10000000,)", "<f8", bytes(80_000_000))}, zipfile.ZIP_DEFLATED)
    with refuses_load(ArtifactDamagedError, 21, "processed.npz is damaged", "claim to hold 80,000,0"):
        open_dataset(folder).load()


def test_a_stored_entry_with_two_sizes_is_refused(folder: Path, refuses_load: Any) -> None:
    write_bombs(folder, {"X": npy("(2,)", "<f8", bytes(16))})
    content = bytearray((folder / "processed.npz").read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (10**9).to_bytes(4, "little")
    (folder / "processed.npz").write_bytes(content)
    record_hash(folder)
    with refuses_load(ArtifactDamagedError, 21, "'X.npy' is stored with two sizes"):
        open_dataset(folder).load()


def test_an_earlier_bundle_may_be_compressed(tmp_path: Path) -> None:
    folder = tmp_path / "earlier"
    folder.mkdir()
    np.savez_compressed(folder / "processed.npz", raw_target=np.sin(np.arange(90.0)))
    (folder / "meta.json").write_text('{"run_id": "earlier"}')
    assert len(open_dataset(folder).load().X) > 0


class _Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (str(self.path), "w")


def test_a_pickle_that_names_a_global_is_refused(folder: Path, tmp_path: Path, refuses_load: Any) -> None:
    replace_file(folder, "preprocessor.pkl", pickle.dumps({"run_id": _Payload(tmp_path / "executed")}))
    with refuses_load(ArtifactDamagedError, 21, "preprocessor.pkl is damaged: it names", "nothing may be imported"):
        open_dataset(folder).load()


@pytest.mark.parametrize("hash_fits", [True, False])
def test_nothing_in_a_pickle_is_executed(hash_fits: bool, folder: Path, tmp_path: Path) -> None:
    payload = pickle.dumps({"run_id": _Payload(tmp_path / "executed")})
    if hash_fits:
        replace_file(folder, "preprocessor.pkl", payload)
    else:
        (folder / "preprocessor.pkl").write_bytes(payload)
    with pytest.raises(DatasetError):
        open_dataset(folder).load()
    assert not (tmp_path / "executed").exists()


def test_a_pickle_that_would_reserve_memory_without_end_is_refused(refuses: Any) -> None:
    hostile = b"\x80\x04}r" + (2**31 - 1).to_bytes(4, "little") + b"."
    with refuses(ArtifactDamagedError, 21, "preprocessor.pkl is damaged: it numbers more objects than it can hold"):
        load_preprocessor(hostile, "preprocessor.pkl")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_any_protocol_is_read(protocol: int) -> None:
    state = {"run_id": "x", "numbers": [1, 2.5, None, True]}
    assert load_preprocessor(pickle.dumps(state, protocol), "preprocessor.pkl") == state


def test_a_pickle_of_something_else_than_a_dict_is_refused(folder: Path, refuses_load: Any) -> None:
    replace_file(folder, "preprocessor.pkl", pickle.dumps([1, 2]))
    with refuses_load(ArtifactDamagedError, 21, "preprocessor.pkl holds a list, no dict"):
        open_dataset(folder).load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "meta.json is not valid JSON"),
        (b"{", "meta.json is not valid JSON"),
        (b"\xff\xfe", "meta.json is not valid JSON"),
        (b"[" * 100_000, "meta.json is not valid JSON"),
        (b'{"run_id": NaN}', "meta.json is not valid JSON: NaN is not valid JSON"),
        (b"[]", "meta.json is not a JSON object"),
        (b'{"schema_version": "artifacts.v1"}', "meta.json lacks run_id, feature_mode"),
        (b'{"schema_version": "artifacts.v2"}', "schema_version 'artifacts.v2', 'artifacts.v1' is needed"),
        (b'{"schema_version": null}', "schema_version 'None', 'artifacts.v1' is needed"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_invalid_meta_is_refused(content: bytes, message: str, folder: Path, refuses_load: Any) -> None:
    (folder / "meta.json").write_bytes(content)
    with refuses_load(ArtifactDamagedError, 21, message):
        open_dataset(folder).load()


@pytest.mark.parametrize("key", [key for key in META_KEYS if key != "schema_version"])
def test_a_meta_without_a_key_of_the_contract_is_refused(key: str, folder: Path, refuses_load: Any) -> None:
    edit_meta(folder, lambda meta: meta.pop(key))
    with refuses_load(ArtifactDamagedError, 21, f"meta.json lacks {key}; run the preprocessing again"):
        open_dataset(folder).load()


@pytest.mark.parametrize("hashes", [None, [], "abc", {}, {"processed.npz": 3}], ids=str)
def test_a_meta_without_the_hashes_is_refused(hashes: Any, folder: Path, refuses_load: Any) -> None:
    edit_meta(folder, lambda meta: meta.update(sha256=hashes))
    with refuses_load(ArtifactDamagedError, 21):
        open_dataset(folder).load()


@pytest.mark.parametrize(("key", "value"), [("lookback", 7), ("X_shape", [1, 6, 8]), ("target_cols", ["other"])])
def test_a_meta_that_describes_other_arrays_is_refused(key: str, value: Any, folder: Path, refuses_load: Any) -> None:
    edit_meta(folder, lambda meta: meta.update({key: value}))
    with refuses_load(ShapeContractError, 22, f"meta.json says {key}={value}, but processed.npz has "):
        open_dataset(folder).load()


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_run_is_refused(name: str, folder: Path, bundle: ModelInput, refuses_load: Any) -> None:
    named = {"run_id": "other"}
    other = dataclasses.replace(bundle, meta={**bundle.meta, **named}, preprocessor={**bundle.preprocessor, **named})
    open_dataset(folder.parent / "other").save(other)
    shutil.copy(folder.parent / "other" / name, folder / name)
    with refuses_load(RunIdMismatchError, 23, f"{name} belongs to run 'other', not to 'test'"):
        open_dataset(folder).load()


def test_a_folder_that_is_not_named_like_its_run_is_refused(folder: Path, refuses_load: Any) -> None:
    renamed = folder.rename(folder.parent / "renamed")
    with refuses_load(RunIdMismatchError, 23, "meta.json belongs to run 'test', not to 'renamed'"):
        open_dataset(renamed).load()


@pytest.mark.parametrize(
    ("change", "error", "code", "message"),
    [
        (lambda arrays: arrays.pop("y_mask"), ArtifactDamagedError, 21, "lacks 'y_mask'"),
        (lambda arrays: arrays.update(X=arrays["X"].astype(str)), ArtifactDamagedError, 21, "'X' has the type"),
        (lambda arrays: arrays.update(X=arrays["X"][1:]), ShapeContractError, 22, "'X' has the shape"),
    ],
    ids=["key", "type", "shape"],
)
def test_arrays_against_the_contract_are_refused_even_with_a_hash_that_fits(
    change: Any, error: Any, code: int, message: str, folder: Path, refuses_load: Any
) -> None:
    replace_arrays(folder, change)
    with refuses_load(error, code, message):
        open_dataset(folder).load()


@pytest.mark.parametrize(
    ("option", "limit", "stored"),
    [("auto", 256e6, True), ("auto", 100, False), ("always", 100, True), ("never", 256e6, False)],
)
def test_cut_windows_are_stored_up_to_a_limit_and_read_the_same_from_rows(
    option: str, limit: float, stored: bool, bundle: ModelInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_input, "_MOST_WINDOW_BYTES", limit)
    dataset = open_dataset(tmp_path / "test", materialize_windows=option)
    dataset.save(bundle)
    with np.load(tmp_path / "test" / "processed.npz") as archive:
        assert ({"X", "y", "y_mask"} <= set(archive.files)) == stored
    np.testing.assert_array_equal(dataset.load().X, bundle.X)
    np.testing.assert_array_equal(dataset.load().y, bundle.y)


def test_windows_of_exactly_the_limit_are_stored(
    bundle: ModelInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_input, "_MOST_WINDOW_BYTES", window_bytes(bundle))
    open_dataset(tmp_path / "test").save(bundle)
    with np.load(tmp_path / "test" / "processed.npz") as archive:
        assert "X" in archive


def test_meta_is_written_for_people_and_the_learnt_state_for_every_python(folder: Path) -> None:
    text = (folder / "meta.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "')
    assert "°F" in text
    assert (folder / "preprocessor.pkl").read_bytes()[:2] == b"\x80\x04"


def save_earlier(folder: Path, meta: dict[str, Any], **arrays: Any) -> ModelInputDataset:
    folder.mkdir()
    np.savez(folder / "processed.npz", allow_pickle=True, **arrays)
    (folder / "meta.json").write_text(json.dumps(meta))
    return open_dataset(folder)


def test_an_earlier_bundle_without_schema_version_is_taken_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = save_earlier(tmp_path / "old", {"lookback": 6, "horizon": 3}, scaled=np.sin(np.arange(80.0)))
    with caplog.at_level(logging.WARNING, "spline_lstm"):
        assert dataset.load().X.shape[1:] == (6, 1)
    assert "old is of an earlier version" in caplog.text


def test_keys_that_an_earlier_bundle_need_not_have_stay_unread(tmp_path: Path) -> None:
    hostile = np.array([_Payload(tmp_path / "executed")], dtype=object)
    dataset = save_earlier(tmp_path / "old", {}, raw_target=np.sin(np.arange(80.0)), notes=hostile)
    dataset.load()
    assert not (tmp_path / "executed").exists()


def test_an_earlier_bundle_of_another_run_is_refused(tmp_path: Path, refuses_load: Any) -> None:
    dataset = save_earlier(tmp_path / "old", {"run_id": "new"}, scaled=np.sin(np.arange(80.0)))
    with refuses_load(RunIdMismatchError, 23, "meta.json belongs to run 'new', not to 'old'"):
        dataset.load()


@pytest.fixture
def in_bucket(bundle: ModelInput, bucket: str) -> Place:
    """The bundle in a bucket, in a folder of its run id."""
    open_dataset(f"{bucket}/test").save(bundle)
    return place_at(f"{bucket}/test")


def test_a_bucket_holds_the_same_bytes(in_bucket: Place, folder: Path) -> None:
    assert [place.name for place in in_bucket.iterdir()] == sorted(FILES)
    assert {name: (in_bucket / name).read_bytes() for name in FILES} == {
        name: (folder / name).read_bytes() for name in FILES
    }


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_in_a_bucket_are_read_as_they_were_written(
    name: str, in_bucket: Place, bundle: ModelInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "_SMALLEST_MAP", 0)  # they stay readable when the copy they are mapped from is gone
    np.testing.assert_array_equal(getattr(open_dataset(str(in_bucket)).load(), name), getattr(bundle, name))


@pytest.mark.parametrize("name", FILES[:2])
def test_a_damaged_object_in_a_bucket_is_refused_by_its_address(name: str, in_bucket: Place, refuses_load: Any) -> None:
    (in_bucket / name).write_bytes(b"damaged")
    with refuses_load(ArtifactDamagedError, 21, f"{in_bucket}/{name} is damaged"):
        open_dataset(str(in_bucket)).load()


@pytest.mark.parametrize("name", FILES)
def test_an_object_that_a_bucket_lacks_names_the_command(name: str, in_bucket: Place, refuses_load: Any) -> None:
    (in_bucket / name).unlink()
    assert not open_dataset(str(in_bucket)).exists()
    with refuses_load(ArtifactMissingError, 20, f"{in_bucket}/{name} is missing; make it with: {COMMAND}"):
        open_dataset(str(in_bucket)).load()


def test_a_reader_of_a_bucket_sees_no_half_of_a_save(
    in_bucket: Place, bundle: ModelInput, monkeypatch: pytest.MonkeyPatch, refuses_load: Any
) -> None:
    """Before each object that a save writes, another reader tries."""
    tries = []

    def look_first(method: str) -> None:
        write = getattr(Address, method)

        def look_and_write(place: Address, content: Any) -> None:
            with refuses_load(ArtifactMissingError, 20, "meta.json is missing"):
                open_dataset(str(in_bucket)).load()
            tries.append(place.name)
            write(place, content)

        monkeypatch.setattr(Address, method, look_and_write)

    look_first("write_bytes")
    look_first("upload")
    open_dataset(str(in_bucket)).save(bundle)
    assert tries == list(FILES)
    assert open_dataset(str(in_bucket)).load().meta["run_id"] == "test"


def test_it_says_what_it_writes(folder: Path) -> None:
    assert open_dataset(folder).place == folder


def test_the_preview_is_meta(folder: Path) -> None:
    assert json.loads(open_dataset(folder).preview())["run_id"] == "test"
