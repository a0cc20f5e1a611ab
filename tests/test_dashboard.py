"""Optuna's dashboard of a search."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from searching import search

import fashion_zoo
from fashion_zoo import ConfigError, StudyError
from recipes import tune


def test_without_its_package_it_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    assert tune.main(["bn_mlp", "--dashboard"]) == ConfigError.exit_code
    assert 'pip install ".[dashboard]"' in capsys.readouterr().err


@pytest.fixture
def installed(monkeypatch):
    """A dashboard that notes what it is asked to serve."""
    served = []
    fake = type(sys)("optuna_dashboard")
    fake.run_server = lambda storage, port: served.append((storage, port))
    monkeypatch.setitem(sys.modules, "optuna_dashboard", fake)
    return served


def test_it_serves_the_study_of_the_recipe(installed, tmp_path):
    search(f"sqlite:///{tmp_path}/study.db", trials=2)
    fashion_zoo.dashboard("bn_mlp", study_dir=tmp_path, port=1234)
    ((storage, port),) = installed
    assert port == 1234
    assert [one.study_name for one in storage.get_all_studies()] == ["arithmetic"]


def test_a_search_that_was_not_begun_is_answered_and_nothing_is_made(installed, tmp_path):
    with pytest.raises(StudyError, match=r"no study at .*/none/study.db. Run the search first."):
        fashion_zoo.dashboard("bn_mlp", study_dir=tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
    assert installed == []


@pytest.mark.parametrize(
    ("name", "port", "message"),
    [
        ("bn_mpl", 8080, "Unknown recipe 'bn_mpl'"),
        ("bn_mlp", 0, "port must be a whole number in 1..65535"),
        ("bn_mlp", 80800, "port must be a whole number in 1..65535"),
    ],
)
def test_bad_input_is_one_sentence(installed, name, port, message, tmp_path):
    with pytest.raises(ConfigError, match=re.escape(message)):
        fashion_zoo.dashboard(name, study_dir=tmp_path, port=port)


@pytest.mark.slow
def test_it_answers_in_a_browser_and_ends_with_ctrl_c(tmp_path):
    search(f"sqlite:///{tmp_path}/study.db", trials=2)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-P", "-m", "recipes.tune", "bn_mlp", "--dashboard", "--port", str(port),
        "--study-dir", str(tmp_path),
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
        # What a shell runs in the background ignores Ctrl-C, and so does what that starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    names, url = None, f"http://localhost:{port}/api/studies"
    try:
        while names is None and process.poll() is None:
            with contextlib.suppress(urllib.error.URLError):  # it does not listen yet
                answer = json.loads(urllib.request.urlopen(url, timeout=60).read())
                names = [one["study_name"] for one in answer["study_summaries"]]
        said = None
        while said is None:
            process.send_signal(signal.SIGINT)  # lost where it comes in the middle of an answer
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, said = process.communicate(timeout=5)
    finally:
        process.kill()
    assert names == ["arithmetic"], said
    assert process.returncode == 0
    assert f"Listening on http://localhost:{port}/" in said
