"""The training loop that every engine shares: one AdamW step an epoch, early stopping, checkpoints."""

import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from configs.errors import TrainingError
from configs.study import AutoencoderConfig
from models.engine import EpochLoss, Progress, TrainingHooks, TrainingState
from models.networks import MirroredAutoencoder
from models.precision import autocast

_LEARNT = 0.9
"""Share of the first training loss above which nothing has been learnt yet: patience begins below it, so that the first
epochs, in which an inner loss can only wander, end no training."""
_WRITING_SHARE = 0.1
"""Writing checkpoints takes at most about this share of the time of a training."""


class TrainingData:
    """Training and inner samples on the device: as rows for the encoder, as columns to compare the output with.

    Parameters
    ----------
    rows : Tensor, shape=(n_train + n_inner, width), dtype=float32
        Training samples, then the inner ones.
    n_train : int
        Number of training samples.
    factor : float
        From the mean squared error of the rows to that of the features.
    inner_rest : float
        Mean squared error over the features of the inner samples that no weights can change.
    """

    def __init__(self, rows: Tensor, n_train: int, *, factor: float = 1.0, inner_rest: float = 0.0) -> None:
        self.rows, self.n_train = rows, n_train
        self.factor, self.inner_rest = factor, inner_rest
        self.train = rows[:n_train].T.contiguous()
        self.inner = rows[n_train:].T.contiguous()

    def losses(self, guess: Tensor) -> tuple[Tensor, float | None]:
        """Return the training loss, and the inner loss where there are inner samples."""
        guess = guess.float()
        loss = self.factor * mse_loss(guess[:, : self.n_train], self.train)
        if not self.inner.numel():
            return loss, None
        with torch.no_grad():
            inner = mse_loss(guess[:, self.n_train :], self.inner).item()
        return loss, self.factor * inner + self.inner_rest


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network with the weights of its best epoch, and the losses of all epochs."""

    network: MirroredAutoencoder
    history: tuple[EpochLoss, ...]


class _Training:
    """One training under way."""

    def __init__(
        self, network: MirroredAutoencoder, generator: torch.Generator, config: AutoencoderConfig, device: str
    ) -> None:
        self.generator = generator
        self.network = network.to(device).train()
        self.device, self.precision = device, config.precision
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.best = {name: value.detach().clone() for name, value in self.network.named_parameters()}
        self.progress = Progress()
        self.history: tuple[EpochLoss, ...] = ()

    def step(self, data: TrainingData) -> EpochLoss:
        """Judge the weights, keep them if they are the best so far, and make one step over all training samples.

        The inner samples pass through the network together with the training ones, but without dropout: reading the
        wide layers from memory is what takes the time, and so it is done once.
        """
        with autocast(self.device, self.precision):
            guess = self.network(data.rows, data.n_train)
        loss, inner_loss = data.losses(guess)
        losses = EpochLoss(self.progress.epoch + 1, loss.item(), inner_loss)
        self.history = (*self.history, losses)
        self.progress = self.progress.after(losses)
        if losses.train_loss > _LEARNT * self.history[0].train_loss:
            self.progress = replace(self.progress, stale=0)
        if self.progress.improved:
            self._keep_best()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return losses

    @torch.no_grad()
    def _keep_best(self) -> None:
        for name, value in self.network.named_parameters():
            self.best[name].copy_(value)

    @torch.no_grad()
    def is_finite(self) -> bool:
        """Say whether every weight is a finite number."""
        return all(bool(torch.isfinite(value).all()) for value in self.network.parameters())

    def snapshot(self) -> TrainingState:
        """Return a copy of everything that the training needs to go on."""
        tensors = {"generator": self.generator.get_state()}
        for name, value in self.network.named_parameters():
            tensors[f"weights.{name}"] = value
            tensors[f"best.{name}"] = self.best[name]
            for moment, moments in self.optimiser.state[value].items():
                tensors[f"adam.{moment}.{name}"] = moments
        copies = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
        done = self.progress
        return TrainingState(done.epoch, done.best_epoch, done.best_loss, done.stale, copies, self.history)

    @torch.no_grad()
    def restore(self, state: TrainingState) -> None:
        """Go back to `state`."""
        self.generator.set_state(state.tensors["generator"])
        for name, value in self.network.named_parameters():
            value.copy_(state.tensors[f"weights.{name}"])
            self.best[name].copy_(state.tensors[f"best.{name}"])
            self.optimiser.state[value] = {
                moment: state.tensors[f"adam.{moment}.{name}"].to(value.device, copy=True)
                for moment in ("step", "exp_avg", "exp_avg_sq")
            }
        self.progress = Progress(state.epoch, state.best_epoch, state.best_loss, state.stale)
        self.history = state.history

    @torch.no_grad()
    def finish(self) -> Trained:
        """Return the network with its best weights; the training ends here."""
        self.optimiser.zero_grad()
        for name, value in self.network.named_parameters():
            value.copy_(self.best[name])
        return Trained(self.network.eval().requires_grad_(False), self.history)


class _Checkpoints:
    """When to keep the state of a training, and what is kept."""

    def __init__(self, hooks: TrainingHooks, seconds: float) -> None:
        self._save, self._seconds = hooks.on_checkpoint, seconds
        self._due = time.monotonic() + seconds
        self.epoch = hooks.resume.epoch if hooks.resume else 0

    def keep(self, training: _Training) -> None:
        """Keep the state where it is time; weights that are not finite are never kept."""
        started = time.monotonic()
        if self._save is None or started < self._due or not training.is_finite():
            return
        self._save(training.snapshot())
        self.epoch = training.progress.epoch
        now = time.monotonic()
        self._due = now + (max(self._seconds, (now - started) / _WRITING_SHARE) if self._seconds else 0.0)


def train_network(
    network: MirroredAutoencoder,
    data: TrainingData,
    *,
    generator: torch.Generator,
    config: AutoencoderConfig,
    device: str,
    hooks: TrainingHooks,
) -> Trained:
    """Train until the inner loss has not improved for `config.patience` epochs since learning began.

    See `train_autoencoder`.

    Raises
    ------
    TrainingError
        If a loss is infinite or not a number; it names the epoch and the last checkpoint.
    """
    training = _Training(network, generator, config, device)
    checkpoints = _Checkpoints(hooks, config.checkpoint_seconds)
    if hooks.resume is not None:
        training.restore(hooks.resume)
    while training.progress.epoch < config.max_epochs and training.progress.stale < config.patience:
        try:
            losses = training.step(data)
        except TrainingError as error:
            kept = f"of epoch {checkpoints.epoch}" if checkpoints.epoch else "none"
            message = f"{error} (last good checkpoint: {kept}; best epoch so far: {training.progress.best_epoch})"
            raise TrainingError(message) from error
        if hooks.on_epoch is not None:
            hooks.on_epoch(losses)
        checkpoints.keep(training)
    return training.finish()
