from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from configs.errors import UserError
from models.device import choose_device, one_thread


def test_order_is_cuda_then_mps_then_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"


def test_cpu_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("cpu") == "cpu"


def test_absent_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"execution\.device: wanted the device 'cuda', found only cpu on this machine"):
        choose_device("cuda")


def test_one_thread_is_for_the_caller_alone() -> None:
    before = torch.get_num_threads()
    with ThreadPoolExecutor(1) as pool, one_thread():
        assert torch.get_num_threads() == 1
        assert pool.submit(torch.get_num_threads).result() == before
    assert torch.get_num_threads() == before
