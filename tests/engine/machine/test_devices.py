"""Devices are named in full, and one that is absent or dead is a sentence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from encoder_tui.engine.job import OperationError

torch = pytest.importorskip("torch")


@pytest.fixture
def accelerators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two made-up accelerators, the second of them current; the first is dead."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "current_device_index", lambda: 1)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)

    def ones(*shape: int, device: Any) -> Any:
        if device.index == 0:
            raise RuntimeError("CUDA error:\n  uncorrectable ECC error")
        return SimpleNamespace(item=lambda: 1)

    monkeypatch.setattr(torch, "ones", ones)


@pytest.mark.usefixtures("accelerators")
@pytest.mark.parametrize(
    ("name", "full"), [(None, "cuda:1"), ("cuda", "cuda:1"), ("cuda:1", "cuda:1"), ("cpu", "cpu"), ("cpu:0", "cpu")]
)
def test_a_device_is_named_in_full(name: str | None, full: str) -> None:
    from encoder_tui.engine.machine import devices

    assert str(devices.resolve(name)) == full


@pytest.mark.usefixtures("accelerators")
@pytest.mark.parametrize("name", ["cuda:2", "mps", "nonsense", "meta", ""])
def test_a_device_that_is_not_there_is_a_sentence_that_names_those_that_are(name: str) -> None:
    from encoder_tui.engine.machine import devices

    with pytest.raises(OperationError, match=r"it has cuda:0, cuda:1, cpu$"):
        devices.resolve(name)


@pytest.mark.usefixtures("accelerators")
def test_a_dead_device_is_a_sentence() -> None:
    from encoder_tui.engine.machine import devices

    with pytest.raises(OperationError, match=r"cuda:0 does not respond \(CUDA error: uncorrectable ECC error\)"):
        devices.resolve("cuda:0")


def test_without_an_accelerator_the_cpu_is_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine import devices

    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    assert str(devices.resolve(None)) == "cpu"
    with pytest.raises(OperationError, match="there is no device cuda:0 on the engine's machine; it has cpu"):
        devices.resolve("cuda:0")


def test_a_limit_of_the_process_counts_as_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine import devices

    monkeypatch.setattr(devices.resource, "getrlimit", lambda kind: (1 << 20, 1 << 20))
    assert devices.free_on(torch.device("cpu")) == 0


def test_an_unknown_dtype_is_a_sentence() -> None:
    from encoder_tui.engine.machine import devices

    assert devices.dtype_of("bfloat16") is torch.bfloat16
    with pytest.raises(OperationError, match="there is no dtype int8; use float32"):
        devices.dtype_of("int8")
