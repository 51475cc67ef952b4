"""The few operations on blocks of correlations, on the processor with NumPy or on a GPU with torch."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.arrays import FloatArray, IntArray

SMALL = 2**15 - 1
"""The largest integer of two bytes."""
PADDING = 8
"""One set flag is appended for so many: NumPy finds flags several times faster where more than a tenth is set."""
SPARSE = 50
"""Where fewer than one value in so many was found in the last block, no flags are appended."""
T = TypeVar("T")
R = TypeVar("R")


class Arithmetic(ABC):
    """One block at a time: a product of two matrices, and what is asked of it; not to be shared between threads."""

    def __init__(self) -> None:
        self._memory: dict[tuple[str, str], npt.NDArray[Any]] = {}

    def memory(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return memory of a shape, the same for the same name and type as long as it is large enough."""
        needed = int(np.prod(shape))
        held = self._memory.get((name, dtype.str))
        if held is None or held.size < needed:
            held = self._memory[name, dtype.str] = np.empty(needed, dtype=dtype)
        return held[:needed].reshape(shape)

    @abstractmethod
    def multiply(self, left: FloatArray, right: FloatArray, *, largest: float = np.inf) -> None:
        """Make ``left @ right.T`` the block that all other methods are about.

        A finite `largest` promises integers of no larger absolute value.
        """

    @abstractmethod
    def product(self) -> FloatArray:
        """Return the block; good until the next `multiply`."""

    @abstractmethod
    def largest(self) -> float:
        """Return the largest absolute value of the block."""

    @abstractmethod
    def count(self, least: float) -> int:
        """Count the absolute values of at least `least`."""

    @abstractmethod
    def level_counts(self, least: int) -> IntArray:
        """Count the absolute values of a block of integers: item k counts ``least + k``."""

    @abstractmethod
    def reaching(self, least: float) -> tuple[IntArray, FloatArray]:
        """Return the places, in the flat block, of absolute values of at least `least`, and the values there."""


class _Selected(NamedTuple):
    """Places in a flat block where the absolute value, `size`, is at least `least`."""

    least: float
    places: IntArray
    size: npt.NDArray[Any]


class NumpyArithmetic(Arithmetic):
    """On the processor. Blocks live in memory that is used again: fresh memory costs several times the arithmetic."""

    def __init__(self) -> None:
        super().__init__()
        self._block: FloatArray = np.empty((0, 0))
        self._selected: _Selected | None = None
        self._size: npt.NDArray[Any] | None = None
        self._small, self._dense = False, True

    def multiply(self, left: FloatArray, right: FloatArray, *, largest: float = np.inf) -> None:
        """Multiply into memory that is used again."""
        self._small = largest <= SMALL
        self._block = self.memory("block", (len(left), len(right)), np.result_type(left, right))
        np.matmul(left, right.T, out=self._block)
        self._selected = self._size = None

    def product(self) -> FloatArray:
        """Return the block itself."""
        return self._block

    def largest(self) -> float:
        """Return the largest absolute value."""
        return float(self._absolute().max())

    def count(self, least: float) -> int:
        """Count the absolute values that reach `least`."""
        size = self._absolute()
        reached = self.memory("reached", size.shape, np.dtype(np.bool_))
        np.greater_equal(size, least, out=reached)
        return int(np.count_nonzero(reached))

    def level_counts(self, least: int) -> IntArray:
        """Count the absolute values that reach `least`."""
        levels = self._select(least).size.astype(np.intp)
        levels -= least
        return np.bincount(levels)

    def reaching(self, least: float) -> tuple[IntArray, FloatArray]:
        """Find the absolute values that reach `least`, among those selected before where they include them."""
        held = self._selected
        if held is None or held.least > least:
            held = self._select(least)
        places = held.places[held.size >= least]
        return places, self._block.ravel().take(places)

    def _select(self, least: float) -> _Selected:
        size = self._absolute().ravel()
        flags = self.memory("flags", (len(size) + (len(size) // PADDING if self._dense else 0), 1), np.dtype(np.bool_))
        flags = flags.ravel()
        np.greater_equal(size, least, out=flags[: len(size)])
        flags[len(size) :] = True
        places = np.flatnonzero(flags)[: len(size) - len(flags) or None]
        self._dense = len(places) > len(size) // SPARSE
        self._selected = _Selected(least, places, size.take(places))
        return self._selected

    def _absolute(self) -> npt.NDArray[Any]:
        """Return the absolute values; small integers take half the memory, and so half the time of what follows."""
        if self._size is None:
            self._size = self.memory(
                "size", self._block.shape, np.dtype(np.int16) if self._small else self._block.dtype
            )
            if self._small:
                np.copyto(self._size, self._block, casting="unsafe")
            np.abs(self._size if self._small else self._block, out=self._size)
        return self._size


class TorchArithmetic(Arithmetic):
    """The same with torch; float32 products of integers below 2^24 are exact there as well."""

    def __init__(self, device: str) -> None:
        super().__init__()
        import torch  # noqa: PLC0415  (a study without a GPU does not pay for torch here)

        self._torch, self._device = torch, device
        self._block = torch.empty((0, 0))

    def multiply(self, left: FloatArray, right: FloatArray, *, largest: float = np.inf) -> None:
        """Multiply on the device."""
        del largest
        self._block = self._sent(left) @ self._sent(right).T

    def product(self) -> FloatArray:
        """Fetch the block."""
        block: FloatArray = self._block.cpu().numpy()
        return block

    def largest(self) -> float:
        """Return the largest absolute value."""
        return float(self._block.abs().max())

    def count(self, least: float) -> int:
        """Count on the device."""
        return int((self._block.abs() >= least).sum())

    def level_counts(self, least: int) -> IntArray:
        """Count on the device, level by level."""
        size = self._block.abs()
        counts: IntArray = self._torch.bincount(size[size >= least].long() - least).cpu().numpy()
        return counts

    def reaching(self, least: float) -> tuple[IntArray, FloatArray]:
        """Find on the device."""
        block = self._block.ravel()
        places = self._torch.nonzero(block.abs() >= least).ravel()
        return places.cpu().numpy(), block[places].cpu().numpy()

    def _sent(self, matrix: FloatArray) -> Any:  # noqa: ANN401  (a tensor; torch is imported late)
        return self._torch.from_numpy(np.ascontiguousarray(matrix)).to(self._device)


@dataclass(frozen=True, slots=True)
class Workers:
    """Who does the work; the results are the same whoever does it.

    Attributes
    ----------
    threads : int
        Threads on the processor; one BLAS thread each.
    device : str
        'cpu' computes with NumPy, anything else is a device of torch.
    block : int
        Genes and metabolites in a block at most; by default as many as a processor's cache holds.
    """

    threads: int = 1
    device: str = "cpu"
    block: int = 768

    def arithmetic(self) -> Arithmetic:
        """Return the arithmetic of one thread."""
        return NumpyArithmetic() if self.device == "cpu" else TorchArithmetic(self.device)

    def share(self, work: Callable[[Iterator[T], Arithmetic], R], units: Iterable[T]) -> list[R]:
        """Let each thread draw units until none is left; returns what each made of its units."""
        waiting = deque(units)
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(self.threads) as pool:
            started = [pool.submit(work, _drawn(waiting), self.arithmetic()) for _ in range(self.threads)]
            return [future.result() for future in started]

    def in_order(self, work: Callable[[T, Arithmetic], R], units: Iterable[T]) -> Iterator[R]:
        """Yield what becomes of each unit, in order; no more units than threads are held at a time."""
        each = [self.arithmetic() for _ in range(self.threads)]
        waiting = list(units)
        with ThreadPoolExecutor(self.threads) as pool:
            for start in range(0, len(waiting), self.threads):
                with threadpool_limits(1, user_api="blas"):
                    made = list(pool.map(work, waiting[start : start + self.threads], each))
                yield from made


ONE_WORKER = Workers()


def _drawn(waiting: deque[T]) -> Iterator[T]:
    while True:
        try:
            yield waiting.popleft()
        except IndexError:
            return
