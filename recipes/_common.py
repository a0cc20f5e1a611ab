"""Common parts of the commands: flags, exit codes, ``--debug`` and ``--import``."""

import contextlib
import dataclasses
import functools
import json
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import fashion_zoo
from recipes import _spelling, _streams
from recipes._help import Brief, asks_for_help, description, filled, short_help, table
from recipes._parsing import REGISTRY, expanded, unknown_option

Options = TypeVar("Options")

INTERRUPTED = 130  # exit code of a shell for Ctrl-C
EVERYWHERE = (
    "Every command also takes --import FILE_OR_MODULE (recipes and words of your own; repeatable) "
    "and --debug (the traceback of an error)."
)


@dataclasses.dataclass(frozen=True)
class Images:
    """The images."""

    source: str | None = None
    """Another source of the images than the usual one; see docs/data.md."""


def command(body: Callable[[list[str]], int | None]) -> Callable[..., int]:
    """Turn ``body(argv)`` into a ``main(argv=None)`` that returns an exit code.

    An error of this package is one line on stderr and its own exit code; a wrong command line
    is 2, Ctrl-C is 130.
    """

    @functools.wraps(body)
    def main(argv: Sequence[str] | None = None) -> int:
        arguments = list(sys.argv[1:] if argv is None else argv)
        return _streams.guarded(lambda: _run(body, arguments))

    return main


def _run(body: Callable[[list[str]], int | None], arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        words = _take_imports([word for word in arguments if word != "--debug"])
        module = sys.modules[body.__module__].__spec__  # it has the name also if run by python -m
        _spelling.given[:] = [module.name if module else body.__module__, *words]
        return body(words) or 0
    except SystemExit as leaving:  # the parser's
        return leaving.code if isinstance(leaving.code, int) else 2
    except fashion_zoo.FashionZooError as error:
        if debug:
            traceback.print_exc()
        say_error(error)
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        _say("Interrupted; nothing was left half written.", interrupt)
        return INTERRUPTED
    except OSError as error:  # such as a full disk, outside of what the library writes
        if debug:
            traceback.print_exc()
        _say(f"error: {error}", error)
        return fashion_zoo.StorageError.exit_code


def say_error(error: fashion_zoo.FashionZooError) -> None:
    """Print an error of the library, with its proposals as flags."""
    _say(f"error: {_spelling.message(error)}", error)


def _say(line: str, error: BaseException) -> None:
    """Print an error and its notes, such as where a trained model is."""
    notes = map(_spelling.message, getattr(error, "__notes__", []))
    print("\n".join([line, *notes]), file=sys.stderr)


def _take_imports(arguments: list[str]) -> list[str]:
    """Import the modules of ``--import`` and return the other arguments."""
    rest, words = [], iter(arguments)
    _spelling.imported.clear()
    for word in words:
        name, sign, source = word.partition("=")
        if name != "--import":
            rest.append(word)
            continue
        source = source if sign else next(words, "")
        if not source:
            raise fashion_zoo.ConfigError("--import needs a file or a module, received nothing.")
        fashion_zoo.load_recipes(source)
        _spelling.imported.append(source)
    return rest


def parse(
    options: type[Options], argv: Sequence[str], name: str, *, default: Options | None = None
) -> Options:
    """Parse arguments into a dataclass, whose docstrings are the help of command ``name``."""
    import tyro

    if asks_for_help(argv) or "--help-all" in argv:  # tyro would not wrap it
        print(f"{description(options.__doc__ or '')}\n\n{filled(EVERYWHERE)}\n")
    keywords: dict[str, Any] = {} if default is None else {"default": default}
    with _spelling.in_flags():
        parsed, rest = tyro.cli(
            options,
            args=["--help" if word == "--help-all" else word for word in argv],
            prog=f"python -m recipes.{name}",
            description="",
            registry=REGISTRY,
            return_unknown_args=True,  # tyro's proposals are of every option with similar letters
            **keywords,
        )
    if rest:
        answer = unknown_option(rest, default if default is not None else options)
        print(f"{answer} python -m recipes.{name} --help lists the options.", file=sys.stderr)
        raise SystemExit(2)
    return parsed


CONFIG_FIELDS = [field.name for field in dataclasses.fields(fashion_zoo.RunConfig)]


def recipe_first(argv: Sequence[str], name: str) -> fashion_zoo.Recipe:
    """Return the recipe named by the first argument; raise SystemExit for help or no name."""
    if not argv or argv[0] in ("-h", "--help", "--help-all"):
        file = sys.stdout if argv else sys.stderr
        print(f"usage: python -m recipes.{name} NAME [OPTIONS]\n\nRecipes:", file=file)
        summaries = {one: fashion_zoo.recipe(one).summary for one in fashion_zoo.list_recipes()}
        more = f"python -m recipes.{name} NAME --help lists the options and defaults."
        print(f"{table(summaries)}\n\n{filled(more)}\n{filled(EVERYWHERE)}", file=file)
        raise SystemExit(0 if argv else 2)
    if argv[0].startswith("-"):
        print(
            f"error: The name of the recipe comes first, received {argv[0]!r}. "
            f"Recipes: {', '.join(fashion_zoo.list_recipes())}.",
            file=sys.stderr,
        )
        raise SystemExit(2)
    return fashion_zoo.recipe(argv[0])


def parse_config(
    options: Callable[..., Options],
    argv: Sequence[str],
    name: str,
    config: fashion_zoo.RunConfig,
    brief: Brief,
) -> tuple[Options, fashion_zoo.RunConfig]:
    """Parse options that extend a RunConfig, whose defaults are those of ``config``.

    Return the options, and the RunConfig in them; raise SystemExit for help or a wrong flag.
    """
    default = options(**{field: getattr(config, field) for field in CONFIG_FIELDS})
    if asks_for_help(argv):
        print(short_help(default, name, brief, EVERYWHERE), end="")
        raise SystemExit(0)
    parsed = parse(type(default), expanded(argv), name, default=default)
    chosen = {field: getattr(parsed, field) for field in CONFIG_FIELDS}
    return parsed, fashion_zoo.RunConfig(**chosen)


def of_the_model(argv: Sequence[str], model: Any) -> dict[str, Any]:
    """Return as overrides what flags say of the classes and the shape, which else follow the data.

    A config does not tell whether a value that is the default was set.
    """
    flags = {word.partition("=")[0].replace("_", "-") for word in argv}
    fixed = {
        name: getattr(model, name)
        for name in ("num_classes", "input_shape")
        if f"--model.{name.replace('_', '-')}" in flags
    }
    return {"model": fixed} if fixed else {}


def start_keras(gpu_memory: int | None = None, *, wake: bool = True) -> None:
    """Start Keras without its log, now or when the library first imports it.

    Args:
        gpu_memory: MiB of a GPU that this process may allocate; by default no limit.
        wake: whether to initialize the device; without it a GPU stays free for others.

    Raises:
        ConfigError: if the backend is unknown or not installed; raised by the import of Keras.
    """

    def start(load: Callable[[], Any]) -> None:
        with fashion_zoo.show.waiting("Loading Keras and its backend"):
            _start_keras(load, gpu_memory=gpu_memory, wake=wake)

    fashion_zoo.when_keras_starts(start)


def _start_keras(load: Callable[[], Any], *, gpu_memory: int | None, wake: bool) -> None:
    """Load Keras and initialize its device, without the log of TensorFlow's start.

    TensorFlow writes to the descriptor of stderr before any log level applies, such as about a
    missing GPU. If the start fails, the log is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow warns of repeated tracing, which several trainings in one process need.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    stderr = os.dup(2)
    with _temporary_file() as log:
        os.dup2(log.fileno(), 2)
        try:
            load()
            import keras

            if gpu_memory is not None:
                fashion_zoo.limit_gpu_memory(gpu_memory)
            if wake:
                keras.ops.zeros(())
                if fashion_zoo.gpu_is_lost():  # the backend's log may have the reason
                    _show(log, stderr, b"warning: Keras computes without the GPU here.\n")
        except fashion_zoo.FashionZooError:
            raise
        except (ImportError, ValueError) as error:
            raise _cannot_start(error) from error
        except Exception:
            _show(log, stderr)
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _show(log: Any, descriptor: int, first: bytes = b"") -> None:
    """Write the content of a file to a descriptor."""
    with contextlib.suppress(OSError):
        log.seek(0)
        os.write(descriptor, first + log.read())


def _temporary_file() -> Any:
    """Return an open temporary file."""
    try:
        return tempfile.TemporaryFile()
    except OSError:  # every disk is read-only
        return open(os.devnull, "w+b")


def _cannot_start(error: Exception) -> fashion_zoo.FashionZooError:
    """Return the error of a failed start of Keras, about its backend only if that is the cause."""
    # It is imported before a backend is loaded; if torch is missing, it is removed again.
    settings = sys.modules.get("keras.src.backend.config")
    backend = settings.backend() if settings else os.environ.get("KERAS_BACKEND", "")
    unknown = str(error).startswith("Unable to import backend")
    missing = (getattr(error, "name", None) or "").partition(".")[0]
    if not backend or not (unknown or missing in (backend, f"{backend}lib")):
        return fashion_zoo.FashionZooError(f"Keras cannot start: {type(error).__name__}: {error}.")
    home = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    named = f"The backend in {os.path.join(home, 'keras.json')}"
    named = "KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") else named
    return fashion_zoo.ConfigError(
        f"{named} is {backend!r}, and Keras cannot start with it: {error}. Install that backend, "
        "or set KERAS_BACKEND=tensorflow."
    )


def print_json(value: Any) -> None:
    """Print JSON on stdout."""
    print(json.dumps(value, indent=2))
