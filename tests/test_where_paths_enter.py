"""A program may change its current folder while it trains: no path is looked up from there."""

import inspect
import os
import subprocess
import sys
import typing

import pytest

import fashion_zoo
from fashion_zoo import StorageError, runs
from fashion_zoo.config import DataConfig
from fashion_zoo.language.arguments import AnyPath, Place, checked
from fashion_zoo.storage import absolute
from fashion_zoo.storage.databases import absolute_url, study_place
from fashion_zoo.tuning import Study
from recipes import _lines

# What these are given is read before they call anybody else.
AT_ONCE = {
    ("check_free", "path"), ("export", "run"), ("get", "weights"), ("load_recipes", "source"),
    ("open_run", "path"), ("publish", "run"), ("read_config", "file"),
    ("read_results", "path"), ("stored_config", "resume"), ("stored_config", "fork"),
}  # fmt: skip


def test_every_path_of_a_public_function_is_made_absolute_or_used_at_once():
    found = {}
    for name in fashion_zoo.__all__:
        function = getattr(fashion_zoo, name)
        if not inspect.isfunction(function):
            continue
        for parameter in inspect.signature(function).parameters.values():
            hint = parameter.annotation
            parts = [hint, *typing.get_args(hint)]  # those of a Callable have lists in them
            parts += [one for part in parts for one in typing.get_args(part)]  # of an Annotated
            if Place in parts:
                found[name, parameter.name] = True
            elif any(one in parts for one in (AnyPath, os.PathLike, os.PathLike[str])):
                found[name, parameter.name] = False
    assert {one for one, is_place in found.items() if not is_place} == AT_ONCE
    assert {("train", "run_dir"), ("train", "fork"), ("export", "to"), ("tune", "study_dir")} < {
        one for one, is_place in found.items() if is_place
    }


def test_a_place_is_made_absolute_where_it_enters_its_default_too(tmp_path, monkeypatch):
    @checked
    def places(one: Place, two: Place = "b", three: Place | None = None, four: AnyPath = "d"):
        return one, two, three, four

    monkeypatch.chdir(tmp_path)
    assert places("a") == (tmp_path / "a", tmp_path / "b", None, "d")
    assert places("/a", three="../c")[::2] == (absolute("/a"), tmp_path.parent / "c")


def test_what_lies_behind_a_link_stays_where_it_is(tmp_path, monkeypatch):
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/deep")
    monkeypatch.chdir(tmp_path)
    assert absolute("link/x") == tmp_path / "link" / "x"
    assert absolute("link/../x") == tmp_path / "far" / "x"
    assert absolute("./a/../x") == tmp_path / "x"


def test_a_study_in_a_file_stays_in_that_file(tmp_path, monkeypatch):
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path)
    study = Study("sqlite:///s.db", "s", fingerprint={}, trials=1)
    monkeypatch.chdir("away")
    study.claim()
    study.close()
    assert not list((tmp_path / "away").iterdir())
    assert study_place("bn_mlp", None, "sqlite:///s.db")[1] == (f"sqlite:///{tmp_path}/away/s.db")
    for url in ("sqlite://", "sqlite:///:memory:", "sqlite:////a.db", "postgresql://me:no@x/y"):
        assert absolute_url(url) == url


def test_a_current_folder_that_is_gone_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for call in (
        lambda: fashion_zoo.check_free("r"),
        lambda: fashion_zoo.train("bn_mlp", run_dir="r"),
        lambda: fashion_zoo.train("bn_mlp"),
        lambda: fashion_zoo.tune("bn_mlp"),
        lambda: fashion_zoo.tune("bn_mlp", study_dir=tmp_path, storage_url="sqlite:///s.db"),
        lambda: fashion_zoo.find_lr("bn_mlp", to="a.png"),
        lambda: fashion_zoo.plot_schedules(to="a.png"),
        lambda: DataConfig(folder="d"),
        lambda: runs.create(
            "r", "bn_mlp", fashion_zoo.RunConfig(fashion_zoo.MLPConfig()), {}
        ).__enter__(),
    ):
        with pytest.raises(StorageError, match="the current folder is gone"):
            call()
    assert absolute("/a") == absolute("/b/../a")
    assert _lines.place("/a/r") == "/a/r"


@pytest.mark.slow
def test_a_training_does_not_need_its_current_folder(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    words = [
        "bn_mlp", "--data.limit", "500", "--training.batch-size", "50",
        "--model.hidden-units", "16", "--training.epochs", "1", "--run-dir", str(tmp_path / "r"),
    ]  # fmt: skip
    code = "import os, sys; os.rmdir(os.getcwd()); from recipes.train import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words], cwd=gone, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"run         {tmp_path / 'r'}" in done.stdout
