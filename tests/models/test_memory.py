import pytest

from configs.errors import UserError
from configs.study import AutoencoderConfig
from models import memory
from models.memory import dense_training_bytes, require_memory
from models.presets import hidden_widths


def test_the_stated_network_takes_41_gib_dense_and_fits_an_80_gb_gpu() -> None:
    size = 132_129, 21, hidden_widths("stated", "genes"), AutoencoderConfig()
    # 2,182,008,161 * 20 + 132,129 * 21 * 24 bytes.
    assert dense_training_bytes(*size, "cpu") == 43_706_756_236
    # The copies for bfloat16 products add 2 bytes a parameter.
    assert dense_training_bytes(*size, "cuda") == 48_070_772_558
    assert dense_training_bytes(*size, "cuda") < 80e9


@pytest.mark.parametrize(
    ("needed", "trainings", "message"),
    [
        (
            5,
            1,
            r"autoencoder.engine: wanted 5.0 GiB .*, found 3.0 GiB free on cpu. Set autoencoder.engine to auto",
        ),
        (
            2,
            4,
            r"wanted 2.0 GiB of memory for each of 4 .*, found 7.0 GiB on cpu.* set execution.parallel_folds to 1",
        ),
    ],
)
def test_a_dense_network_that_does_not_fit_is_refused(
    needed: int, trainings: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_of", lambda device: (3 * 2**30, 7 * 2**30))
    require_memory(3 * 2**30, "cpu", trainings=2)
    with pytest.raises(UserError, match=message):
        require_memory(needed * 2**30, "cpu", trainings=trainings)
