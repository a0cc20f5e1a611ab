import json

import numpy as np
import pytest

from fashion_zoo import StorageError, storage


def test_a_file_appears_whole_and_leaves_nothing_beside_it(tmp_path):
    storage.write_json(tmp_path / "a.json", {"x": np.float64(1.5), "n": np.int64(2)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1.5, "n": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    storage.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), storage.atomic_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_put_in_place_by_renaming_it(tmp_path):
    """A copy could be seen, or left, half written."""
    with storage.atomic_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("x")
        written = temporary.stat().st_ino
    assert (tmp_path / "a.txt").stat().st_ino == written


def test_the_temporary_file_keeps_the_suffix(tmp_path):
    with storage.atomic_file(tmp_path / "model.keras") as temporary:
        assert temporary.suffix == ".keras"
        temporary.touch()


def test_a_missing_folder_and_a_full_disk_are_storage_errors(tmp_path):
    with pytest.raises(StorageError, match=r"Cannot write .*a\.txt: No such file or directory"):
        storage.write_text(tmp_path / "missing" / "a.txt", "x")
    with (
        pytest.raises(StorageError, match="No space left on device"),
        storage.atomic_file(tmp_path / "a"),
    ):
        raise OSError(28, "No space left on device")


def test_a_value_that_is_not_finite_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        storage.write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_folder_appears_whole(tmp_path):
    with storage.atomic_folder(tmp_path / "deep" / "run") as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "a").write_text("x")
        assert not (tmp_path / "deep" / "run").exists()
    assert (tmp_path / "deep" / "run" / "sub" / "a").read_text() == "x"
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["run"]


def test_a_folder_that_is_there_stays_unless_replaced(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old").touch()
    with pytest.raises(StorageError), storage.atomic_folder(tmp_path / "run"):
        pass
    assert (tmp_path / "run" / "old").exists()
    with storage.atomic_folder(tmp_path / "run", replace=True) as temporary:
        (temporary / "new").touch()
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["new"]
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_a_replacement_that_fails_leaves_the_old_folder(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old").touch()
    with (
        pytest.raises(KeyboardInterrupt),
        storage.atomic_folder(tmp_path / "run", replace=True) as temporary,
    ):
        (temporary / "half").touch()
        raise KeyboardInterrupt
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["old"]
    assert [file.name for file in tmp_path.iterdir()] == ["run"]
