import pytest

from fashion_zoo import precision


@pytest.mark.parametrize(
    ("capability", "amx", "policy", "reason"),
    [
        ((9, 0), False, "mixed_bfloat16", "GPU of compute capability 9.0"),
        ((8, 0), False, "mixed_bfloat16", "GPU of compute capability 8.0"),
        ((7, 5), True, "mixed_float16", "GPU of compute capability 7.5, no bfloat16"),
        (None, True, "mixed_bfloat16", "CPU with AMX"),
        (None, False, "float32", "neither a GPU nor a CPU with AMX"),
    ],
)
def test_auto_takes_what_the_device_multiplies(monkeypatch, capability, amx, policy, reason):
    monkeypatch.setattr(precision, "_gpu_capability", lambda: capability)
    monkeypatch.setattr(precision, "_cpu_has_amx", lambda: amx)
    assert precision.choose("auto") == (policy, reason)


def test_what_is_asked_for_is_taken():
    assert precision.choose("mixed_float16") == ("mixed_float16", "asked for")
