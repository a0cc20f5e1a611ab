import pytest

from fashion_zoo.machine import precision
from fashion_zoo.machine.devices import Accelerator


@pytest.mark.parametrize(
    ("capability", "bfloat16", "policy", "reason"),
    [
        ((9, 0), False, "mixed_bfloat16", "GPU of compute capability 9.0"),
        ((8, 0), False, "mixed_bfloat16", "GPU of compute capability 8.0"),
        ((7, 5), True, "mixed_float16", "GPU of compute capability 7.5, no bfloat16"),
        (None, True, "mixed_bfloat16", "CPU that multiplies bfloat16"),
        (None, False, "float32", "neither a GPU nor a CPU that multiplies bfloat16"),
    ],
)
def test_auto_takes_what_the_device_multiplies(monkeypatch, capability, bfloat16, policy, reason):
    found = None if capability is None else Accelerator("a GPU", capability)
    monkeypatch.setattr(precision, "accelerator", lambda: found)
    monkeypatch.setattr(precision, "_cpu_multiplies_bfloat16", lambda: bfloat16)
    assert precision.choose("auto") == ("auto", policy, reason)


def test_what_is_asked_for_is_taken():
    assert precision.choose("mixed_float16") == ("mixed_float16", "mixed_float16", "asked for")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("avx512f avx512_bf16", True), ("amx_bf16 amx_tile", True), ("avx512f avx2", False)],
)
def test_the_cpu_says_what_it_multiplies(tmp_path, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : fpu {flags}\n")
    assert precision._cpu_multiplies_bfloat16(tmp_path / "cpuinfo") is expected
    assert precision._cpu_multiplies_bfloat16(tmp_path / "missing") is False
