"""The table of docs/architecture.md, checked on the syntax tree of every file."""

import ast
import functools
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import fashion_zoo

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("fashion_zoo/**/*.py"), *ROOT.glob("recipes/**/*.py")])

TABLE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
# Level of each room, and its place in the level.
ROOMS = {
    room: (int(level), place)
    for level, rooms in re.findall(r"^\| (\d) \| ((?:`\w+` ?)+) \|", TABLE, re.M)
    for place, room in enumerate(re.findall(r"`(\w+)`", rooms))
}
NO_FRAMEWORK = {room for room, (level, _) in ROOMS.items() if level < 2} | {
    "config", "spaces", "registry", "models", "runs", "data", "evaluation", "exporting", "auditing",
    "weights", "zoo",
}  # fmt: skip
HEAVY = {
    "keras", "keras_tuner", "optuna", "tensorflow", "jax", "matplotlib", "sklearn", "scipy", "rich",
    "PIL", "tyro", "tensorflow_datasets", "pyarrow", "cleanlab", "pandas",
}  # fmt: skip
AT_THE_TOP = {
    "augment/augmenter.py", "augment/pixels.py", "augment/warps.py",
}  # fmt: skip
TENSORFLOW = AT_THE_TOP | {
    "data/pipeline.py", "layers/dropout.py", "optimizers/_adam.py", "optimizers/_lookahead.py",
    "machine/devices.py", "machine/environment.py", "training/gradients.py", "training/parallel.py",
    "training/tensorboard.py",
}  # fmt: skip
FORMATS = "exporting/formats/"  # each imports what it writes with, inside its functions


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def room_of(path):
    return path.relative_to(ROOT / "fashion_zoo").parts[0].removesuffix(".py")


def is_module(name):
    place = ROOT.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


@functools.cache
def imports(path):
    """Return (module, whether it stands at the top of the file) of each import."""
    return [*_imports(path)]


def _imports(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        top = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, top
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if is_module(inner) else node.module), top


LIBRARY = [path for path in FILES if path.is_relative_to(ROOT / "fashion_zoo")]


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_a_file_imports_only_from_lower_levels(path):
    room = room_of(path)
    if room == "__init__":
        ours = {module for module, _ in imports(path) if module.startswith("fashion_zoo")}
        assert ours <= {
            "fashion_zoo.machine.serialization"
        }  # it must act when the package is imported
        return
    for module, _ in imports(path):
        parts = module.split(".")
        assert parts[0] != "recipes", "the library never imports a command"
        if parts[0] != "fashion_zoo" or parts[1] == room:
            continue
        assert ROOMS[parts[1]] < ROOMS[room], f"{room} may not import {parts[1]}"


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_frameworks_stay_where_they_belong(path):
    relative = path.relative_to(ROOT / "fashion_zoo").as_posix()
    for module, top in imports(path):
        package = module.split(".")[0]
        light = room_of(path) in NO_FRAMEWORK | {"__init__"}
        light = light or relative.startswith(FORMATS) or relative == "training/plan.py"
        if light:
            assert not (top and package in HEAVY), f"{package} at the top of a light file"
        if package == "tensorflow":
            assert relative in TENSORFLOW or relative.startswith(FORMATS)
            assert not top or relative in AT_THE_TOP


def test_the_light_rooms_load_no_framework_in_a_fresh_process():
    light = [*sorted(NO_FRAMEWORK), "training.plan", "config.live"]
    modules = ", ".join(f"fashion_zoo.{module}" for module in light)
    code = f"import {modules}, recipes.train, sys; print({HEAVY - {'tyro'}} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


# What finds modules by name: words and families of models, and what the reader names.
LOOKS_UP = {
    "language/vocabulary.py", "models/__init__.py", "registry.py", "machine/serialization.py",
}  # fmt: skip
VOCABULARIES = [path for path in LIBRARY if re.search(r"^WORDS\b", path.read_text("utf-8"), re.M)]


def test_a_module_is_looked_up_by_name_in_four_places():
    found = {
        path.relative_to(ROOT / "fashion_zoo").as_posix()
        for path in LIBRARY
        if "import_module" in path.read_text("utf-8")
    }
    assert found == LOOKS_UP


def test_no_word_loads_a_framework_before_it_is_used():
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in VOCABULARIES]
    names = [name.removesuffix(".__init__") for name in names]
    assert len(names) >= 6
    lines = [f"import {name} as module; len(module.WORDS)" for name in names]
    lines += ["import sys; print({'keras', 'tensorflow', 'jax'} & sys.modules.keys())"]
    code = "\n".join(lines)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("path", [p for p in LIBRARY if room_of(p) == "models"], ids=name_of)
def test_families_never_import_each_other(path):
    modules = [module for module, _ in imports(path) if module.startswith("fashion_zoo.models")]
    own = {f"fashion_zoo.models.{path.stem}_{part}" for part in ("config", "space")}
    assert set(modules) <= {"fashion_zoo.models", "fashion_zoo.models.blocks", *own, *based(path)}


def based(path):
    """The modules of the family that a family of the same layers, which begins otherwise, has."""
    family = {"conv_start": "mlp"}.get(path.stem)
    return {f"fashion_zoo.models.{family}{part}" for part in ("", "_config", "_space") if family}


COMMANDS = [path for path in FILES if path.parent == ROOT / "recipes"]


@pytest.mark.parametrize("path", COMMANDS, ids=name_of)
def test_a_command_imports_the_public_library_and_little_else(path):
    for module, _ in imports(path):
        package = module.split(".")[0]
        allowed = {"fashion_zoo", "recipes", "tyro", "keras"} | sys.stdlib_module_names
        assert package in allowed, f"{module} in a command"
        if package == "keras":
            assert path.name == "_common.py"


def names_of_the_library(path):
    """Yield every dotted name that begins with fashion_zoo, whether imported or used."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    short = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            short |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.fullmatch(r"[\w.]+", ast.unparse(node)):
            first, *rest = ast.unparse(node).split(".")
            yield ".".join([short.get(first, first), *rest])


@pytest.mark.parametrize("path", COMMANDS, ids=name_of)
def test_a_command_uses_public_names_only(path):
    for name in names_of_the_library(path):
        first, *rest = name.split(".")
        if first != "fashion_zoo" or rest in ([], ["__version__"]):
            continue
        assert rest[0] in dir(fashion_zoo), name
        value = getattr(fashion_zoo, rest[0])
        if isinstance(value, types.ModuleType) and len(rest) > 1:
            public = getattr(value, "__all__", vars(value))
            assert rest[1] in public, name
            assert not isinstance(getattr(value, rest[1]), types.ModuleType), name


def test_there_is_no_circle():
    graph = {}
    for path in LIBRARY:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        graph[name] = {module for module, _ in imports(path)} - {name}
    done, on_path = set(), []

    def visit(name):
        assert name not in on_path, " -> ".join([*on_path, name])
        if name in done or name not in graph:
            return
        on_path.append(name)
        for other in graph[name]:
            visit(other)
        on_path.pop()
        done.add(name)

    for name in graph:
        visit(name)


@pytest.mark.parametrize("path", [*FILES, *sorted(ROOT.glob("tests/*.py"))], ids=name_of)
def test_no_file_is_too_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_processes_of_tests_import_the_installed_package():
    """Without -P the current folder, which may be a checkout, comes first."""
    started = {
        (path.name, option)
        for path in ROOT.glob("tests/*.py")
        for option in re.findall(r'sys\.executable,\s+"(-.+?)"', path.read_text(encoding="utf-8"))
    }
    assert {option for _, option in started} == {"-P"}, started


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_function_needs_scrolling_and_public_ones_are_documented(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module says what it is for"
    for node in ast.walk(tree):
        named = isinstance(node, ast.FunctionDef | ast.ClassDef) and node in tree.body
        if named and any(ast.unparse(one) == "overload" for one in node.decorator_list):
            continue  # it only says which kind returns which
        if named and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
        if isinstance(node, ast.FunctionDef):
            doc = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno - len(doc.splitlines())
            assert length <= 50, f"{node.name} has {length} lines beside its docstring"


def test_what_trains_is_given_its_images_and_loads_none():
    for path in [path for path in LIBRARY if room_of(path) in ("training", "tuning")]:
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        called = {ast.unparse(node.func) for node in tree if isinstance(node, ast.Call)}
        assert not called & {"load", "data.load"}, path
