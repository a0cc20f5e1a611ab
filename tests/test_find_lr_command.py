"""``python -m recipes.find_lr``."""

import json

import numpy as np

import fashion_zoo
from recipes import find_lr

QUICK = [
    "--data.limit", "500", "--training.epochs", "1", "--training.batch-size", "50",
    "--model.hidden-units", "16", "8",
]  # fmt: skip


def test_find_lr_prints_four_rates_and_draws_them(tmp_path, capsys, monkeypatch):
    picture = tmp_path / "rates.png"
    flags = [*QUICK, "--steps", "30", "--seeds", "2", "--to", str(picture), "--low", "1e-4"]
    losses = 2 - np.sin(np.linspace(0, 3, 30))
    monkeypatch.setattr("fashion_zoo.training.lr_finder._sweep", lambda *_: losses)
    found, sweep = [], fashion_zoo.find_lr
    monkeypatch.setattr(
        fashion_zoo, "find_lr", lambda *_, **options: found.append(sweep(*_, **options))
    )
    assert find_lr.main(["bn_mlp", *flags]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out[:4]] == ["steepest", "valley", "minimum", "slide"]
    assert out[0].endswith(", 2 seeds)")
    assert out[5].startswith("Next: python -m recipes.train bn_mlp --model.hidden-units 16 8 ")
    assert "--training.batch-size 50 --training.learning-rate " in out[5]
    assert picture.read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(fashion_zoo, "find_lr", lambda *_, show, **__: show(found[0]))
    assert find_lr.main(["bn_mlp", *flags, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["slide"]) == {"rate", "low", "high"}
    assert find_lr.main(["bn_mpl"]) == 3
    assert "Did you mean 'bn_mlp'?" in capsys.readouterr().err
