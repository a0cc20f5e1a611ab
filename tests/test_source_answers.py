"""What a source answers to a text, a table or labels that are nearly right: what to do."""

import re

import numpy as np
import pytest
from forms import three_classes, write_csv, write_folder

import fashion_zoo
from fashion_zoo import ConfigError, DataError
from fashion_zoo.data import load
from fashion_zoo.evaluation.predict import Prediction
from recipes import _common, find_lr, predict, train, tune

X, Y = three_classes(60)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, with a table, a folder of pictures and a picture."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "my.csv", X, Y)
    write_folder(tmp_path / "pictures", X, Y)
    (tmp_path / "red.png").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("my.cvs", r"no file or folder .*my\.cvs\. Did you mean 'my\.csv'\? A source is also FILE"),
        ("my.cs", r"no file or folder .*my\.cs\. Did you mean 'my\.csv'"),
        ("picture", "no file or folder .*picture. Did you mean 'pictures'"),
        ("./picture", "no file or folder .*picture. Did you mean 'pictures'"),
        ("red.png", r"red\.png is of a kind that is not read\. A source is also FILE\.csv"),
        ("./red.png", r"red\.png is of a kind that is not read\. A source is also FILE\.csv"),
        ("idx('red.png')", r"red\.png is of a kind that is not read"),
        ("csv('my.csv'", r"Cannot read .*, column 4: '\(' was never closed"),
        ("csv('./my.csv'", r"Cannot read .*, column 4: '\(' was never closed"),
        ("cvs('my.csv'", "Unknown source 'cvs'. Did you mean 'csv'"),
        ("digit", "Unknown source 'digit'. Did you mean 'digits'"),
        ("tfsd:mnist", "Unknown source 'tfsd'. Did you mean 'tfds'"),
        ("something", "Unknown source 'something'. Known: arrays, "),
    ],
)
def test_a_text_that_is_no_source_is_answered_with_the_nearest_or_the_kinds(text, message, here):
    with pytest.raises((ConfigError, DataError), match=message):
        load(text)


def test_a_file_or_folder_is_taken_by_its_name_whatever_it_looks_like(here):
    digest = load("pictures").digest
    for name in ("my pictures", "pictures (1)", "pictures.old", "a(b"):
        (here / "pictures").rename(here / name)
        assert load(name).digest == digest
        (here / name).rename(here / "pictures")


@pytest.mark.parametrize("command", [train, tune, find_lr], ids=lambda one: one.__name__)
@pytest.mark.parametrize("flag", ["--model.num-classes=10", "--model.input_shape 28 28"])
def test_classes_and_shape_that_are_set_agree_with_the_data_also_if_they_are_the_default(
    command, flag, here, monkeypatch, capsys
):
    monkeypatch.setattr(_common, "start_keras", lambda *_, **__: None)
    asked = ["bn_mlp", "--data.source", "my.csv", "--batch-size", "8", *flag.split()]
    assert command.main(asked) == 3
    said = capsys.readouterr().err
    assert "model.num_classes is 10, but the data has 3 classes" in said or "input_shape" in said


def test_a_search_of_few_images_or_in_colour_says_which_values_are_searched_instead(capsys):
    from fashion_zoo import spaces

    def check(data, **space):
        base, images = fashion_zoo.data.load_for(entry.config, model, data, batches=False)
        parameters = spaces.narrowed(entry.space, space, base).parameters(base)
        spaces.check_images(parameters, base, 0, images)

    entry = fashion_zoo.recipe("bn_mlp")
    model = entry.config.model
    with pytest.raises(ConfigError, match="takes batch_size to 512") as caught:
        check((X, Y))
    assert _common._spelling.message(caught.value).endswith("received 512. Set --fix batch_size=8.")
    with pytest.raises(ConfigError, match=r'Set space=\{"batch_size": "16"\}'):
        check((X, Y), batch_size="choice(8, 16, 64)")
    colour = three_classes(60, channels=(3,))
    for space, fixed in (
        ({}, "augmentation=none mixing=none"),
        ({"augmentation": "'none'"}, "mixing=none"),
    ):
        with pytest.raises(ConfigError, match="takes grey images") as caught:
            check(colour, **space)
        said = _common._spelling.message(caught.value)
        assert said.endswith(f"in colour. Set --data.color grey, or --fix {fixed}.")
    with pytest.raises(ConfigError, match=r"at most 8, .* received 9\. Set space="):
        check((X, Y), augmentation="'shift(9)'")


def test_a_class_whose_images_are_all_test_images_is_named_with_them():
    test = np.flatnonzero(Y == 1)
    with pytest.raises(
        DataError, match=r"Class '1' has 0 images, .* 20 more are copies of validation or test im"
    ):
        load((X, Y, X[test], Y[test]))


def test_an_unknown_setting_of_arrays_is_answered_with_those_that_they_take():
    with pytest.raises(ConfigError, match=r"'class_name'\. Did you mean 'class_names'") as caught:
        load((X, Y), class_name=["a", "b", "c"])
    known = str(caught.value).partition("Known: ")[2]
    assert known == (
        "class_names, color, exclude, invert, limit, long_tail, seed, size, test, validation."
    )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (Y - 1, r"y has a negative label, -1\. Classes are numbered from 0"),
        (Y.astype(float), r"received \(60,\) of float64\. Convert them with \.astype\(int\)"),
        (Y + 0.5, r"received \(60,\) of float64\.$"),
        (np.eye(3)[Y], r"received \(60, 3\) of float64\.$"),
    ],
)
def test_labels_that_are_nearly_right_are_answered_with_what_to_do(labels, message):
    with pytest.raises(DataError, match=message):
        load((X, labels))


def test_positions_that_exclude_nothing_are_told(tmp_path):
    file, test = tmp_path / "out.txt", load((X, Y)).positions.test[:2]
    file.write_text("".join(f"{one}\n" for one in [*test, *load((X, Y)).positions.train[:3]]))
    told = f"2 positions without effect, of test images or copies of them: {test[0]}, {test[1]}"
    assert load((X, Y), exclude=file).notes == (f"3 images excluded; {told}",)
    file.write_text("".join(f"{one}\n" for one in range(12)))
    given = (np.concatenate([X, X[:12]]), np.concatenate([Y, Y[:12]]), X[:12], Y[:12])
    note = load(given, exclude=file).notes[-1]
    assert note.startswith("0 images excluded; ")
    assert note.endswith("12 positions without effect, of test images or copies of them: 0, 1, 2, "
                         "3, 4, 5, 6, 7, 8, 9, ...")  # fmt: skip


def test_a_wrong_column_is_answered_with_the_nearest_and_the_number_of_others(tmp_path):
    file = write_csv(tmp_path / "a.csv", X, Y)
    with pytest.raises(DataError, match=r"'lable'\. Did you mean 'label'\? Known: label, (\w+, ){4}"
                       r"and 60 more\."):  # fmt: skip
        load(file, label="lable")


def test_a_folder_without_class_folders_says_whether_it_has_files(tmp_path):
    with pytest.raises(DataError, match="is empty; expected a folder with pictures for each"):
        load(tmp_path)
    write_folder(tmp_path / "a", X, np.zeros(60, int))
    with pytest.raises(DataError, match="0 has 0 class folders and 60 files beside; expected"):
        load(tmp_path / "a" / "0")


@pytest.mark.parametrize(
    ("name", "sign", "message"),
    [
        ("a.csv", ";", "Separate cells by commas, not by ';'"),
        ("a.csv", "\t", r"Separate cells by commas, not by '\\t'"),
        ("a.tsv", ",", "Separate cells by tabs, not by ','"),
    ],
)
def test_a_table_of_other_separators_is_answered_with_the_right_one(name, sign, message, tmp_path):
    file = write_csv(tmp_path / name, X, Y, delimiter=sign)
    with pytest.raises(DataError, match=message):
        load(file)


@pytest.mark.parametrize("first", ["class", "0", "label"])
@pytest.mark.parametrize("low", [0, 1])
def test_columns_with_numbers_for_names_are_no_image(first, low, tmp_path):
    file = write_csv(tmp_path / "a.csv", X, Y, header=False)
    header = ",".join([first, *map(str, range(low, 64 + low))])
    file.write_text(f"{header}\n{file.read_text()}")
    assert load(file).digest == load((X, Y)).digest


@pytest.mark.parametrize(
    ("notes", "flags", "message"),
    [
        ((), [], "a.png looks inverted: light .*Try it with --invert\\.$"),
        (("inverted",), ["--invert"], "inverted once inverted: .* Try it without --invert\\.$"),
        # of a run that inverts its pictures, for which the flag leaves them
        (
            ("inverted",),
            [],
            "once inverted: .* with --invert, which leaves it as it is\\.$",
        ),
        ((), ["--invert"], "looks inverted: .* Try it without --invert\\.$"),
    ],
)
def test_a_picture_that_looks_inverted_is_answered_with_what_changes_it(
    notes, flags, message, monkeypatch, capsys
):
    found = Prediction("a.png", notes, looks_inverted=True, is_faint=False, classes=())
    monkeypatch.setattr(_common, "start_keras", lambda: None)
    monkeypatch.setattr(fashion_zoo, "predict", lambda *_, **__: [found])
    assert predict.main(["run", "a.png", *flags]) == 0
    assert re.search(message, capsys.readouterr().err, re.MULTILINE)
