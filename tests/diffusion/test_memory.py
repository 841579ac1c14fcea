"""Residency: what is loaded once, what goes first, what stays while it is used."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch

from server.diffusion import memory
from server.diffusion.errors import BudgetError, WeightsError
from server.diffusion.memory import Residency
from server.diffusion.types import Weights
from server.diffusion.weights import Descriptions


@pytest.fixture
def loads() -> list[Weights]:
    return []


def counted(loads: list[Weights], budget: int) -> Residency:
    def load(description: Weights, device: str) -> object:
        loads.append(description)
        return memory.load_component(description, device)

    return Residency({"cpu": budget}, load)


def touch(residency: Residency, *descriptions: Weights) -> None:
    for description in descriptions:
        with residency.use(description, "cpu"):
            pass


def test_a_component_loads_once_and_an_equal_description_finds_it(tiny: Descriptions, loads: list[Weights]) -> None:
    residency = counted(loads, 2**30)
    touch(residency, tiny.vae, replace(tiny.vae), tiny.vae)
    assert loads == [tiny.vae]


def test_files_that_changed_under_a_description_are_not_loaded(tiny: Descriptions) -> None:
    residency = Residency({"cpu": 2**30})
    with pytest.raises(WeightsError, match="files of tiny changed"):
        touch(residency, replace(tiny.vae, digest="of other files"))


def test_another_precision_is_another_component(tiny: Descriptions, loads: list[Weights]) -> None:
    residency = counted(loads, 2**30)
    touch(residency, tiny.vae, replace(tiny.vae, dtype="bfloat16"))
    assert len(loads) == 2
    with residency.use(replace(tiny.vae, dtype="bfloat16"), "cpu") as vae:
        assert vae.dtype == torch.bfloat16


def test_headers_foretell_the_bytes_that_loading_takes(tiny: Descriptions) -> None:
    residency = Residency({"cpu": 2**30})
    touch(residency, tiny.model, tiny.vae)
    assert [entry.nbytes for entry in residency.residents()] == [
        pytest.approx(memory.expected_bytes(description, "cpu"), rel=0.1) for description in (tiny.model, tiny.vae)
    ]


def test_the_least_recently_used_goes_first(tiny: Descriptions, loads: list[Weights]) -> None:
    sizes = {kind: memory.expected_bytes(kind, "cpu") for kind in tiny}
    residency = counted(loads, sum(sizes.values()) + 8192)
    touch(residency, *tiny)
    touch(residency, tiny.model)
    residency.set_budget("cpu", sum(sizes.values()) - 1)
    assert [entry.weights for entry in residency.residents()] == [tiny.vae, tiny.model]


def test_what_is_in_use_stays_even_over_budget(tiny: Descriptions) -> None:
    residency = Residency({"cpu": 2**30})
    with residency.use(tiny.vae, "cpu"):
        residency.set_budget("cpu", 1)
        assert residency.evict() == 0
        assert [entry.in_use for entry in residency.residents()] == [True]
        with pytest.raises(BudgetError, match=r"tiny's model needs .* MiB on cpu"), residency.use(tiny.model, "cpu"):
            pytest.fail("it must not load")
    assert residency.evict() > 0
    assert residency.residents() == ()


def test_one_component_or_one_device_can_be_evicted(tiny: Descriptions, loads: list[Weights]) -> None:
    residency = counted(loads, 2**30)
    touch(residency, *tiny)
    assert residency.evict(tiny.vae) > 0
    assert {entry.weights for entry in residency.residents()} == {tiny.model, tiny.text_encoder}
    assert residency.evict(device="cuda") == 0
    assert residency.evict(device="cpu") > 0
    touch(residency, tiny.vae)
    assert loads.count(tiny.vae) == 2


def test_threads_that_ask_at_once_share_one_load(tiny: Descriptions, loads: list[Weights]) -> None:
    residency = counted(loads, 2**30)
    threads = [threading.Thread(target=touch, args=(residency, tiny.vae, tiny.model)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(weights).__name__ for weights in loads) == ["Model", "Vae"]
    assert not any(entry.in_use for entry in residency.residents())


def test_a_load_that_fails_leaves_nothing_behind(tiny: Descriptions) -> None:
    def load(description: Weights, device: str) -> object:
        raise OSError("the disk went away")

    residency = Residency({"cpu": 2**30}, load)
    with pytest.raises(OSError, match="went away"), residency.use(tiny.vae, "cpu"):
        pytest.fail("there is nothing to use")
    assert residency.residents() == ()


def test_the_cpu_computes_in_float32_and_accelerators_in_bfloat16_but_for_the_vae(tiny: Descriptions) -> None:
    assert memory.pick_dtype(tiny.model, "cpu") == torch.float32
    assert memory.pick_dtype(tiny.model, "cuda") == torch.bfloat16
    assert memory.pick_dtype(tiny.vae, "cuda") == torch.float32
    assert memory.pick_dtype(replace(tiny.vae, dtype="float16"), "cuda") == torch.float16


def test_a_budget_that_is_not_set_is_a_share_of_the_machines_memory() -> None:
    assert 2**28 < Residency().budget("cpu") < memory.device_memory("cpu")


def test_the_process_has_one_residency() -> None:
    assert memory.shared() is memory.shared()


def test_the_shared_residency_keeps_to_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINEGRAPH_WEIGHTS_BYTES", "12345")
    monkeypatch.setenv("KINEGRAPH_HOST_WEIGHTS_BYTES", "678")
    residency = memory.shared.__wrapped__()
    assert residency.budget(memory.pick_device()) == 12345
    assert residency.budget(memory.HOST) == 678
