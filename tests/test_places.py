"""Paths of any characters, links, and folders that are somebody else's."""

import subprocess

import keras
import optuna
import pytest

import fashion_zoo
from fashion_zoo import ExportError, StorageError, StudyError, runs, storage
from fashion_zoo.machine import environment
from fashion_zoo.runs import Trained
from fashion_zoo.storage.databases import check_folder, file_of, file_url
from fashion_zoo.tuning import Study, study_folder
from recipes import train as train_command

NAMES = [
    "q?r", "a b", "%41", "#x", "it's \"so\"", "[1]", "{y}", "new\nline", "a&b;c=$(d)`e`", "ü~*\\",
]  # fmt: skip
ALL = "".join(NAMES)


def begun(folder):
    config = fashion_zoo.recipe("bn_mlp").config
    with runs.create(folder, "bn_mlp", config, environment.describe()) as run:
        run.save_checkpoint(1, b"state")
    return run


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_where_its_folder_says(tmp_path, name):
    run = begun(tmp_path / name / name)
    inputs = keras.Input((28, 28))
    outputs = keras.layers.Dense(10)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    run.save_model(model)
    opened = fashion_zoo.open_run(tmp_path / name / name)
    assert opened.load_model().output_shape == (None, 10)
    assert opened.load_checkpoint() == b"state"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert [path.name for path in (tmp_path / name).iterdir()] == [name]


def test_a_study_is_where_its_folder_says_and_shares_nothing(tmp_path):
    for name in NAMES:
        assert file_of(file_url(tmp_path / name / "study.db")) == tmp_path / name / "study.db"
    for place in (tmp_path / ALL, tmp_path / f"{ALL}other"):
        url = file_url(place / "study.db")
        check_folder(place, url)
        with study_folder(place):
            study = Study(url, "s", fingerprint={"place": str(place)}, trials=1)
        study.close()
        assert (place / "study.db").is_file()
        assert optuna.load_study(study_name="s", storage=url).trials == []
    assert {path.name for path in tmp_path.iterdir()} == {ALL, f"{ALL}other"}


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_takes_the_printed_command(tmp_path, name, capsys):
    folder = tmp_path / name
    training = {"finished": True, "epochs": 1, "seconds": 1.0, "validation_accuracy": 0.5}
    train_command._print(Trained(begun(folder), training, None, None))
    said = capsys.readouterr().out
    command = said[said.index("python -m ") :]
    echoed = subprocess.run(
        ["sh", "-c", f"set -- {command}\nprintf '%s\\0' \"$@\""],
        capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    assert str(folder) in echoed


@pytest.mark.slow
def test_a_training_its_export_and_a_search_of_hostile_names(tmp_path, small):
    name = ALL.replace("\\", "").replace("[1]", "")  # of these TensorFlow loads nothing
    options = {"training": {**small["training"], "epochs": 1}}
    options = {**small, **options}
    trained = fashion_zoo.train("baseline_mlp", run_dir=tmp_path / name, **options)
    assert trained.parity["same_class"] == 1
    assert trained.evaluation is not None
    parity = fashion_zoo.export(tmp_path / name, tmp_path / f"{name}2")
    assert parity["same_class"] == 1
    found = fashion_zoo.tune(
        "baseline_mlp", study_dir=tmp_path / f"{name}3", trials=1, candidates=1, seeds=1, **options
    )
    assert found.best.is_file()


@pytest.mark.parametrize("name", ["a[1]b", "a\\b", "a[\n]/b"])
def test_a_place_from_which_tensorflow_loads_nothing_is_refused_first(trained, tmp_path, name):
    for export in (
        lambda: fashion_zoo.train("bn_mlp", run_dir=tmp_path / name),
        lambda: fashion_zoo.export(trained, tmp_path / name),
    ):
        with pytest.raises(ExportError, match=r"(?s)cannot load a SavedModel .* as a pattern"):
            export()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_study_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StudyError, match="is not empty and holds no study"):
        fashion_zoo.tune("bn_mlp", study_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("there", "file"),
    [
        (["study.db", "notes.txt"], "study.db"),
        (["other.db", "notes.txt"], "other.db"),
        (["again", "report.html"], None),
        ([".hidden"], None),
        ([], None),
    ],
)
def test_a_study_folder_is_gone_on_with(tmp_path, there, file):
    for name in there:
        (tmp_path / name).touch()
    url = file_url(tmp_path / file) if file else "postgresql://server/studies"
    check_folder(tmp_path, url)


def test_a_storage_that_fails_leaves_no_folder(tmp_path):
    (tmp_path / "file").touch()
    place, url = tmp_path / "studies" / "deep", f"sqlite:///{tmp_path}/file/study.db"
    with pytest.raises(StudyError, match="cannot be opened"), study_folder(place):
        Study(url, "s", fingerprint={}, trials=1)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_is_no_url_is_one_sentence(tmp_path):
    with pytest.raises(StudyError, match="The storage 'nonsense' cannot be opened"):
        fashion_zoo.tune("bn_mlp", study_dir=tmp_path / "s", storage_url="nonsense")
    assert not list(tmp_path.iterdir())


def test_a_password_is_not_shown(tmp_path):
    url = "postgresql+nothing://me:secret@server/studies"
    with pytest.raises(StudyError) as caught:
        Study(url, "s", fingerprint={}, trials=1)
    assert "secret" not in str(caught.value)
    assert "me:***@server" in str(caught.value)


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with storage.atomic_folder(tmp_path / "link", replace=True) as temporary:
        (temporary / "new").touch()
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "b.txt").symlink_to("a.txt")
    storage.write_text(tmp_path / "b.txt", "new")
    assert (tmp_path / "link").readlink().name == "real"
    assert (tmp_path / "real" / "new").exists()
    assert (tmp_path / "b.txt").readlink().name == "a.txt"
    assert (tmp_path / "a.txt").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"real", "link", "a.txt", "b.txt"}


def test_a_link_to_itself_is_one_sentence(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    calls = [
        lambda: storage.check_free(loop, "an export", lambda path: True, force=True),
        lambda: storage.write_text(loop, "x"),
        lambda: fashion_zoo.check_free(loop),
        lambda: begun(loop),
    ]
    for call in calls:
        with pytest.raises(StorageError, match="is a link that leads to itself"):
            call()
    assert loop.is_symlink()
