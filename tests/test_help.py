"""What the commands say of themselves."""

import subprocess
import sys

import pytest

import fashion_zoo
from recipes import (
    __main__ as everything,
    audit,
    augment,
    benchmark,
    distill,
    ensemble,
    evaluate,
    export,
    info,
    list as listing,
    predict,
    schedules,
    train,
)


def test_fashion_zoo_alone_lists_the_commands(capsys):
    assert everything.main([]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in everything.COMMANDS)
    assert everything.main(["--version"]) == 0
    assert capsys.readouterr().out == f"{fashion_zoo.__version__}\n"
    assert everything.main(["trian"]) == 2
    assert "Unknown command 'trian'. Did you mean 'train'?" in capsys.readouterr().err
    assert everything.main(["info", "bn_mlp", "--json"]) == 0


@pytest.mark.parametrize(
    "module", [train, evaluate, export, ensemble, predict, listing, info, schedules, benchmark]
)
def test_every_command_has_help(module, capsys):
    assert module.main(["--help"]) == 0
    assert "usage: python -m recipes." in capsys.readouterr().out
    if module is not train:
        module.main(["--help"])
        assert "--import FILE_OR_MODULE" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("module", [train, ensemble, evaluate, benchmark, augment, audit, distill])
@pytest.mark.parametrize("words", [["--help"], ["bn_mlp", "--help"], []])
def test_help_is_as_wide_as_the_terminal(module, words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    if words[1:] and module is not train:
        pytest.skip("it takes no recipe first")
    module.main(words)
    printed = capsys.readouterr()
    lines = (printed.out + printed.err).splitlines()
    # What a shell takes is not broken.
    wide = [one for one in lines if len(one) > 50 and "python -m recipes." not in one]
    assert wide == []
    assert len(lines) > 8


def test_help_is_not_indented(capsys):
    assert benchmark.main(["--help"]) == 0
    assert "\nsearch: searches beside those of KerasTuner" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv", [["train", "--help"], ["train", "bn_mlp", "--help"], ["evaluate", "--help"], ["list"]]
)
def test_help_and_list_load_no_framework(argv):
    code = (
        f"import sys\nfrom recipes.__main__ import main\nassert main({argv!r}) == 0\n"
        "print({'keras', 'tensorflow', 'matplotlib', 'sklearn', 'scipy'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"
