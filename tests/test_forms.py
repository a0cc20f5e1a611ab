"""One word for data: the same images in every form, converted and split in one way."""

import os

import numpy as np
import pytest
from forms import WRITTEN, three_classes, write_csv, write_folder, write_idx, written

import fashion_zoo
from fashion_zoo import ConfigError, DataConfig, DataError, recipe
from fashion_zoo.data import load, load_for
from fashion_zoo.data.conversion import grey

X, Y = three_classes()


def pairs(data):
    """The images of all parts with their class names, in an order of their own."""
    whole = data.read("train")
    return sorted(
        (image.tobytes(), data.class_names[label])
        for image, label in zip(whole.images, whole.labels, strict=True)
    )


@pytest.mark.parametrize("word", WRITTEN)
def test_the_same_images_come_from_every_form(word, tmp_path, monkeypatch):
    text = written(word, tmp_path, X, Y, monkeypatch)
    data, arrays = load(text), load((X, Y))
    assert pairs(data) == pairs(arrays)
    if word != "folder":  # which is in the order of its names
        assert data.digest == arrays.digest
        assert all(map(np.array_equal, data.positions, arrays.positions))
    again = load(data.origin)
    assert (again.digest, again.origin) == (data.digest, data.origin)
    described = data.describe()
    assert (described.train, described.validation, described.test) == (90, 12, 18)
    assert described.test_digest == again.describe().test_digest is not None


def test_a_form_and_its_expression_are_the_same_thing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "a.csv", X, Y)
    write_folder(tmp_path / "pictures", X, Y)
    write_idx(tmp_path / "files", X, Y)
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    for form, word in (
        ("a.csv", "csv"),
        ("pictures/", "folder"),
        ("files", "idx"),
        ("a.npz", "npz"),
    ):
        config = DataConfig(form)
        assert config == DataConfig(f"{word}({form!r})") == DataConfig(config.source)
        assert config == DataConfig(tmp_path / form)
        path = os.path.join(tmp_path, form.rstrip("/"))
        assert (config.source, config.title) == (f"{word}({path!r})", form.rstrip("/"))
    assert DataConfig("tfds:mnist").source == DataConfig("tfds('mnist')").source == "tfds:mnist"
    assert DataConfig("gone/x").title == "x"  # what has moved may be back


def test_the_old_name_is_answered_with_the_new_one():
    for given in (lambda: load(dataset="digits"), lambda: DataConfig(dataset="digits"),
                  lambda: fashion_zoo.train("bn_mlp", data={"dataset": "digits"})):  # fmt: skip
        with pytest.raises(ConfigError, match=r"data\.dataset is now data\.source"):
            given()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation": 0.2}, "data.validation has no effect on fashion_mnist, which uses folder"),
        ({"seed": 1}, "data.seed has no effect on fashion_mnist"),
        (
            {"source": "digits", "folder": "/x"},
            "data.folder has no effect on digits, which uses te",
        ),
        ({"source": "digits", "label": "a"}, "data.label has no effect on digits"),
        ({"color": "gray"}, "Unknown data.color 'gray'. Did you mean 'grey'"),
        ({"size": 0}, "data.size must be a whole number"),
        ({"test": 1}, "data.test must be a number above 0 and below 1"),
        ({"validation": 0}, "data.validation must be a number above 0 and below 1"),
        ({"exclude": 3}, "data.exclude must be a path"),
        ({"label": 3}, "data.label must be the name of a column"),
        ({"invert": "yes"}, "data.invert must be True or False"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_a_sentence(settings, message):
    with pytest.raises(ConfigError, match=message):
        load(settings)


def test_shares_are_refused_where_the_source_has_its_own_images(tmp_path):
    test = three_classes(30, seed=1)
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=test[0], y_test=test[1],
             x_val=test[0] + 1, y_val=test[1])  # fmt: skip
    data = load(tmp_path / "a.npz")
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [120, 30, 30]
    assert np.array_equal(data.validation.images, test[0] + 1)
    for name in ("test", "validation"):
        with pytest.raises(ConfigError, match=f"a.npz has {name} images of its own. Leave out"):
            load(tmp_path / "a.npz", **{name: 0.3})


def test_kaggles_files_and_others_without_names_are_read(tmp_path):
    train = write_csv(tmp_path / "train.csv", X, Y)
    test = write_csv(tmp_path / "test.csv.gz", *three_classes(30, seed=1))
    data = load(f"csv({str(train)!r}, {str(test)!r})")
    assert (len(data.train.labels), len(data.test.labels)) == (108, 30)
    for file in (write_csv(tmp_path / "a.csv", X, Y, header=False),
                 write_csv(tmp_path / "a.tsv", X, Y, delimiter="\t")):  # fmt: skip
        assert load(file).digest == load(train).digest
    named = train.read_text().replace("label,", "kind,")
    named = "\n".join(line.replace("0,", "dark,", 1) if line[:2] == "0," else line
                      for line in named.splitlines())  # fmt: skip
    (tmp_path / "b.csv").write_text(
        named.replace("\n1,", '\n"a ""grey"" one",').replace("\n", "\r\n")
    )
    found = load(tmp_path / "b.csv", label="kind")
    assert found.class_names == ("2", 'a "grey" one', "dark")


def test_a_parquet_file_is_read_as_its_table(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"label": Y, **{f"p{one}": X.reshape(120, 64)[:, one] for one in range(64)}}
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert load(tmp_path / "a.parquet").digest == load((X, Y)).digest


def test_npy_files_are_found_by_their_names(tmp_path):
    test = three_classes(30, seed=1)
    for name, array in (("x_train", X), ("y_train", Y), ("x_test", test[0]), ("y_test", test[1])):
        np.save(tmp_path / f"{name}.npy", array)
    data = load(tmp_path / "x_train.npy")
    assert data.digest == load((X, Y, *test)).digest
    assert np.array_equal(data.test.images, test[0])
    np.save(tmp_path / "images.npy", np.asfortranarray(X))
    np.save(tmp_path / "labels.npy", Y)
    assert load(tmp_path / "images.npy").digest == load((X, Y)).digest


def test_a_folder_may_have_its_own_parts(tmp_path):
    for part, seed in (("train", 0), ("val", 1), ("test", 2)):
        write_folder(
            tmp_path / "a" / part, *three_classes(30, seed), names=("dark", "grey", "light")
        )
    data = load(tmp_path / "a")
    assert data.class_names == ("dark", "grey", "light")
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [30, 30, 30]


def test_equal_images_stand_on_one_side():
    images = np.concatenate([X, X[:60], X[:30]])
    labels = np.concatenate([Y, Y[:60], Y[:30]])
    data = load((images, labels))
    sides = [{image.tobytes() for image in part.images}
             for part in (data.train, data.validation, data.test)]  # fmt: skip
    assert len(sides[0] | sides[1] | sides[2]) == sum(map(len, sides)) == 120
    assert sum(map(len, data.positions)) == 210
    assert data.notes == ()


def test_a_copy_of_a_test_image_is_not_trained_on():
    test = three_classes(30, seed=1)
    data = load((np.concatenate([X, test[0][:9]]), np.concatenate([Y, test[1][:9]]), *test))
    assert sum(map(len, data.positions[:2])) == 120
    assert len(data.test.labels) == 30
    assert data.notes == ("9 images left out as copies of validation or test images",)


def test_a_validation_image_that_is_a_test_image_is_left_out_too(tmp_path):
    test, own = three_classes(30, seed=1), three_classes(30, seed=2)
    both = [np.concatenate([one[:6], other]) for one, other in zip(test, own, strict=True)]
    np.savez(tmp_path / "a.npz", x_train=np.concatenate([X, own[0][:3]]),
             y_train=np.concatenate([Y, own[1][:3]]), x_val=both[0], y_val=both[1],
             x_test=test[0], y_test=test[1])  # fmt: skip
    data = load(tmp_path / "a.npz")
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [120, 30, 30]
    assert np.array_equal(data.validation.images, own[0])
    assert data.notes == ("9 images left out as copies of validation or test images",)


@pytest.mark.parametrize("text", ["cvs('data/a.csv')", "myword('/x')"])
def test_a_misspelt_word_with_a_path_is_no_folder(text):
    with pytest.raises(ConfigError, match=r"Unknown source '(cvs|myword)'"):
        load(text)


@pytest.mark.parametrize("text", ["csv(None)", "folder(5)", "idx(None)", "npz(1.5)"])
def test_a_source_of_files_takes_paths(text):
    with pytest.raises(ConfigError, match="takes paths as texts, received"):
        load(text)


def test_names_of_tfds_have_a_version_behind_the_colon_or_nothing():
    for text in ("tfds:huggingface:mnist", "tfds:mnist:latest"):
        with pytest.raises(ConfigError, match=r"Write tfds:NAME\[/CONFIG\]\[:VERSION\]"):
            load(text)
    assert DataConfig("tfds:mnist:3.*.*").source == "tfds:mnist:3.*.*"


def test_images_are_excluded_by_position_and_the_others_stay_where_they_are(tmp_path):
    file, whole = tmp_path / "out.txt", load((X, Y))
    out = [*whole.positions.train[:5], whole.positions.validation[0], whole.positions.test[0]]
    file.write_text("".join(f"{one}  # why\n" for one in out) + "\n# done\n")
    data = load((X, Y), exclude=file)
    assert np.array_equal(data.positions.train, whole.positions.train[5:])
    assert np.array_equal(data.positions.validation, whole.positions.validation[1:])
    assert np.array_equal(data.positions.test, whole.positions.test)
    assert data.notes[0].startswith("6 images excluded; 1 position without effect")
    for text, message in (("120", r"line 1: .* 0\.\.119, received '120'"), ("a", "received 'a'"),
                          ("1\n-1", "line 2: .*'-1'"), ("²", "received '²'")):  # fmt: skip
        file.write_text(text)
        with pytest.raises(DataError, match=message):
            load((X, Y), exclude=file)
    file.write_text("".join(f"{one}\n" for one in range(120) if Y[one] == 2))
    with pytest.raises(DataError, match="leaves no image of class '2' to train on"):
        load((X, Y), exclude=file)
    with pytest.raises(DataError, match=r"gone\.txt cannot be read"):
        load((X, Y), exclude=tmp_path / "gone.txt")


def test_a_conversion_is_the_same_for_arrays_files_and_the_embedded_images(tmp_path):
    colour, labels = three_classes(channels=(3,))
    data = load((colour, labels), color="grey", size=4, invert=True)
    assert data.image_shape == (4, 4)
    assert data.notes == ("colour to grey", "8x8 to 4x4", "light and dark swapped")
    assert data.describe().invert
    file = tmp_path / "a.npz"
    np.savez(file, x=colour, y=labels)
    assert load(file, color="grey", size=4, invert=True).digest == data.digest
    plain = load((colour, labels), color="grey", size=4)
    assert np.array_equal(255 - plain.test.images, data.test.images)
    assert load((X, Y), color="rgb").image_shape == (8, 8, 3)
    embedded = load(color="rgb", invert=True, limit=20)
    assert (embedded.image_shape, embedded.train.images.shape) == ((28, 28, 3), (20, 28, 28, 3))
    assert embedded.train.images[:, 0].min() == 255 - load(limit=20).train.images[:, 0].max()
    own = recipe("bn_mlp").config.model
    config = fashion_zoo.override(recipe("bn_mlp").config, {"training": {"batch_size": 8}})
    assert load_for(config, own, load((colour, labels)))[0].model.input_shape == (8, 8, 3)


def test_grey_is_what_pillow_makes_of_it():
    from PIL import Image

    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert np.array_equal(grey(colours), np.asarray(Image.fromarray(colours).convert("L")))


def test_augmentation_says_that_it_takes_grey_images():
    config = recipe("bn_mlp").config
    config = fashion_zoo.override(config, {"training": {"augmentation": "flip", "batch_size": 8}})
    with pytest.raises(
        ConfigError, match=r"takes grey images, and these are in colour\. Set data="
    ):
        load_for(config, config.model, three_classes(channels=(3,)))


def test_names_may_be_given_to_any_source():
    data = load("digits", class_names=[f"digit {one}" for one in range(10)])
    assert data.class_names[3] == "digit 3"
    with pytest.raises(ConfigError, match="class_names must be 10, one of each class"):
        load("digits", class_names=["a"])
