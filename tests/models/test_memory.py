import numpy as np
import pytest

from configs.errors import UserError
from configs.study import AutoencoderConfig
from models import memory
from models.autoencoder import train_autoencoder
from models.memory import dense_training_bytes
from models.presets import hidden_widths, parameter_count


def test_the_stated_network_needs_41_gib_dense_and_fits_an_80_gb_gpu() -> None:
    parameters = parameter_count(132_129, hidden_widths("stated", "genes"), 64)
    size = {"n_features": 132_129, "n_samples": 21}
    # 2,182,008,161 * 20 + 132,129 * 21 * 24 bytes.
    assert dense_training_bytes(parameters, **size, device="cpu") == 43_706_756_236
    # The copies for bfloat16 products add 2 bytes a parameter.
    assert dense_training_bytes(parameters, **size, device="cuda") == 48_070_772_558
    assert dense_training_bytes(parameters, **size, device="cuda") < 80e9


def test_a_dense_network_that_does_not_fit_is_refused_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda device: 3 * 2**30)
    train = np.zeros((4000, 5), dtype=np.float32)
    config = AutoencoderConfig(engine="dense")
    # (4000+1)*32768 + (32768+1)*64 + (64+1)*32768 + (32768+1)*4000 = 266,438,592 weights and biases, 20 bytes each.
    with pytest.raises(
        UserError,
        match=r"autoencoder.engine: wanted 5.0 GiB of memory to train a dense autoencoder of 266,4\d\d,\d{3} "
        r"parameters, found 3.0 GiB free on cpu. Set autoencoder.engine to auto or span",
    ):
        train_autoencoder(train, train, widths=(32_768,), config=config, seed=1, device="cpu")
