import pytest

from fashion_zoo.machine import devices, precision
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
    monkeypatch.setattr(precision, "cpu_information", lambda: "amx_bf16" if bfloat16 else "")
    assert precision.choose("auto") == ("auto", policy, reason)


def test_what_is_asked_for_is_taken():
    assert precision.choose("mixed_float16") == ("mixed_float16", "mixed_float16", "asked for")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("avx512f avx512_bf16", True), ("amx_bf16 amx_tile", True), ("avx512f avx2", False)],
)
def test_the_flags_of_the_cpu_decide(tmp_path, monkeypatch, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : fpu {flags}\n")
    read = devices.cpu_information
    monkeypatch.setattr(precision, "accelerator", lambda: None)
    monkeypatch.setattr(precision, "cpu_information", lambda: read(tmp_path / "cpuinfo"))
    assert (precision.choose("auto").policy == "mixed_bfloat16") is expected
    assert read(tmp_path / "missing") == ""
