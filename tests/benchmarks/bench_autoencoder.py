"""The span engine beside the dense one, at equal epochs and on the same samples."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch

from configs.study import AutoencoderConfig, Engine, Precision, Preset
from models.autoencoder import train_autoencoder
from models.importance import reconstruction_importance
from models.memory import GIB, dense_training_bytes
from models.presets import hidden_widths
from models.scaling import Scaler
from tests.benchmarks.measuring import Measured, measured
from tests.benchmarks.tables import Table

SIZES = (5_000, 20_000, 132_129)
EPOCHS = 10
TRAIN, INNER, HELD_OUT = 14, 3, 4


def samples(n_features: int, n_samples: int = TRAIN + INNER + HELD_OUT) -> npt.NDArray[np.float32]:
    """Return features that follow eight factors, as many again of noise, scaled by the training samples."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((n_features, 8), dtype=np.float32) @ rng.standard_normal(
        (8, n_samples), dtype=np.float32
    )
    values += 3 * rng.standard_normal(values.shape, dtype=np.float32)
    return Scaler.fit(values[:, : n_samples - INNER - HELD_OUT]).apply(values)


def training(
    n_features: int, n_samples: int, preset: Preset, engine: Engine, precision: Precision, device: str, epochs: int
) -> Callable[[], object]:
    """Return a training of `epochs` epochs that then scores every feature; it returns the median explained variance."""
    scaled = samples(n_features, n_samples)
    n_train = n_samples - INNER - HELD_OUT
    train, inner, held_out = np.split(scaled, [n_train, n_train + INNER], axis=1)
    train, inner, held_out = (np.ascontiguousarray(part) for part in (train, inner, held_out))
    config = AutoencoderConfig(engine=engine, preset=preset, precision=precision, max_epochs=epochs, patience=epochs)

    # What torch imports when it first trains is no part of a training.
    once = config.model_copy(update={"max_epochs": 1})
    train_autoencoder(train[:200], inner[:200], widths=(8,), config=once, seed=1, device=device)

    def run() -> float:
        fitted, _ = train_autoencoder(
            train, inner, widths=hidden_widths(preset, "genes"), config=config, seed=1, device=device
        )
        importance = reconstruction_importance(fitted.squared_error(held_out), held_out)
        fitted.latent_gradient(held_out, np.ones(config.latent))
        return float(np.median(importance))

    return run


def _trainings() -> Iterator[tuple[int, Preset, Engine, Precision, str]]:
    for n_features in SIZES:
        for engine in ("span", "dense"):
            yield n_features, "counted", engine, "float32", "cpu"
    yield SIZES[-1], "stated", "span", "float32", "cpu"
    if torch.cuda.is_available():
        yield SIZES[-1], "stated", "span", "float32", "cuda"
        yield SIZES[-1], "stated", "dense", "float32", "cuda"
        yield SIZES[-1], "stated", "dense", "bfloat16", "cuda"


def span_against_dense() -> Table:
    """Train both engines at each size; on CUDA the stated network too."""
    rows, seconds = [], {}
    for n_features, preset, engine, precision, device in _trainings():
        found = measured(
            training,
            n_features=n_features,
            n_samples=TRAIN + INNER + HELD_OUT,
            preset=preset,
            engine=engine,
            precision=precision,
            device=device,
            epochs=EPOCHS,
        )
        seconds[n_features, preset, engine, device] = found.seconds
        rows.append(_row(n_features, preset, engine, precision, device, found))
    return Table(
        "Span engine and dense engine",
        f"{EPOCHS} epochs on {TRAIN} training samples with {INNER} more to stop by, then reconstruction error and "
        f"gradient of every feature on {HELD_OUT} others. Memory is what the process took beyond the samples.",
        ("features", "preset", "engine", "device", "seconds", "MiB", "held-out R2 after these epochs"),
        tuple(rows),
        (*_ratios(seconds), _predicted()),
    )


def _row(
    n_features: int, preset: Preset, engine: Engine, precision: Precision, device: str, found: Measured
) -> tuple[str, ...]:
    where = device if device == "cpu" else f"{device}, {precision}"
    numbers = (f"{found.seconds:.2f}", f"{found.mib:,.0f}", f"{found.result:.3f}")
    return (f"{n_features:,}", preset, engine, where, *numbers)


def _ratios(seconds: dict[tuple[int, Preset, Engine, str], float]) -> Iterator[str]:
    for n_features in SIZES:
        dense, span = (seconds[n_features, "counted", engine, "cpu"] for engine in ("dense", "span"))
        yield f"{n_features:,} features, counted: span is {dense / span:.0f} times as fast as dense."


def _predicted() -> str:
    widths, config = hidden_widths("stated", "genes"), AutoencoderConfig()
    needed = dense_training_bytes(SIZES[-1], TRAIN + INNER, widths, config, "cpu") / GIB
    return f"The stated network, dense, would need {needed:.1f} GiB."
