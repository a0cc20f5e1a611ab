"""What is shown decides nothing: stderr and stdout that are gone, full, closed or poor."""

import errno
import io
import os
import pty
import signal
import subprocess
import sys

import pytest

import fashion_zoo
from fashion_zoo.callbacks import StopOnInterrupt
from fashion_zoo.show.progress import TrainingDisplay, sweeping
from fashion_zoo.show.streams import Unbreakable, say
from fashion_zoo.show.trials import Counts, SearchDisplay
from fashion_zoo.show.waiting import waiting
from recipes import __main__ as commands, _common, _streams, list as list_command


def pipe_without_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return open(writer, "w", encoding="utf-8")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def full():
    return open("/dev/full", "w", encoding="utf-8")


STREAMS = {
    "no reader": pipe_without_reader,
    "full": full,
    "closed": closed,
    "none": lambda: None,
}


@pytest.fixture(params=STREAMS)
def broken(request):
    stream = STREAMS[request.param]()
    yield stream
    if stream is not None:
        _streams._drain(Unbreakable(stream))
        stream.close()


def test_every_display_falls_silent(broken, monkeypatch):
    """Live as on a terminal, and in lines as elsewhere."""
    monkeypatch.setattr(sys, "stderr", broken)
    for live in (False, True):
        display = TrainingDisplay()
        display.live = live
        display.start(epochs=2, steps=3)
        display.advance(0, 1, 1000.0, {"loss": 1.0})
        display.finish_epoch(0, 1000.0, {"loss": 1.0, "val_accuracy": 0.5})
        display.say("a line")
        display.stop()
    with SearchDisplay() as search:
        search.update(Counts(2, 1, 0, 1, 0), (0, 0.5, {"x": 1}))
        search.say("a line")
    with sweeping(3) as advance:
        advance(1)
    say("a line")


@pytest.mark.parametrize("main", [list_command.main, lambda words: commands.main(["list", *words])])
def test_a_commands_lost_output_is_an_error_and_a_reader_that_left_is_none(
    main, monkeypatch, capsys
):
    codes = {}
    for name, make in STREAMS.items():
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", make())
            codes[name] = main([])
            if sys.stdout is not None:
                sys.stdout.close()  # as Python does in the end: nothing is left to complain of
    assert codes == {"no reader": 0, "full": 6, "closed": 6, "none": 0}
    said = capsys.readouterr().err
    assert "error: The output cannot be written: No space left on device.\n" in said
    assert said.count("error: ") == 2


def test_what_an_encoding_lacks_is_escaped(monkeypatch):
    bytes_written = io.BytesIO()
    stream = io.TextIOWrapper(bytes_written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert _streams.guarded(lambda: print("ż.png \udce9.png") or 0) == 0
    assert bytes_written.getvalue() == b"\\u017c.png \\udce9.png\n"


def test_closed_descriptors_are_not_given_to_files():
    """Else what C++ libraries say on descriptor 2 would go into a file of ours."""
    code = (
        "import os\nfrom recipes import _streams\n"
        "def run():\n    print(os.open('/', os.O_RDONLY)); return 0\n"
        "raise SystemExit(_streams.guarded(run))"
    )
    words = f'{sys.executable} -P -c "$0" <&- 2>&-'
    done = subprocess.run(["sh", "-c", words, code], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    assert int(done.stdout) > 2


def test_ctrl_c_asks_where_nobody_reads_the_promise(monkeypatch):
    def refuse(*_):
        raise BrokenPipeError

    with StopOnInterrupt() as stop:
        monkeypatch.setattr(os, "write", refuse)
        signal.raise_signal(signal.SIGINT)
        monkeypatch.undo()
        assert stop.requested
        assert not signal.getitimer(signal.ITIMER_REAL)[0]


def test_sigterm_ends_a_process_that_comes_to_no_safe_point():
    with StopOnInterrupt(b"") as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.requested
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL  # which ends a process
    assert not signal.getitimer(signal.ITIMER_REAL)[0]


def test_a_terminal_that_hangs_up_ends_nothing(monkeypatch):
    ours, theirs = pty.openpty()
    stream = os.fdopen(theirs, "w", encoding="utf-8")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    display = TrainingDisplay()
    assert display.live
    with waiting("Evaluating"):
        display.start(epochs=2, steps=3)
        os.close(ours)
        display.advance(0, 1, 1000.0, {"loss": 1.0})
        display.finish_epoch(0, 1000.0, {"loss": 1.0, "val_accuracy": 0.5})
        display.stop()
    _streams._drain(Unbreakable(stream))
    stream.close()


def test_what_the_system_refuses_is_one_sentence_and_no_success(capsys):
    """A disk where no file of ours is the point, a server's connection: whatever it is."""

    @_common.command
    def main(argv):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    assert main([]) == 6
    said = capsys.readouterr().err
    assert said == "error: [Errno 32] Broken pipe\n"


SMALL = [
    "--no-evaluate", "--no-export", "--data.limit", "200", "--training.epochs", "3",
    "--training.batch-size", "50", "--model.hidden-units", "16",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirection", "code"),
    [("2> >(head -1 >&2)", 0), ("2>&-", 0), (">&-", 0), ("2>/dev/full", 0), (">/dev/full", 6)],
)
def test_a_training_is_kept_whatever_the_shell_made_of_its_streams(tmp_path, redirection, code):
    words = f'"$0" -P -m recipes.train bn_mlp "$@" {redirection}'
    done = subprocess.run(
        ["bash", "-c", words, sys.executable, *SMALL, "--run-dir", str(tmp_path / "r")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    run = fashion_zoo.open_run(tmp_path / "r")
    assert run.finished
    assert len(run.history()["loss"]) == 3
