"""What held-out scores say of one label, as a record and as one sentence."""

from dataclasses import dataclass

ALPHA = 0.05
"""A label is carried where the p of the best method on latents is at most this."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Balanced accuracy of the graph network, of the better plain method on the same latents, and their difference.

    Attributes
    ----------
    plain_method : str
        Name of the plain method.
    graph, plain : float
        Balanced accuracies, 0 to 1.
    low, high : float
        Bounds of 95% of the differences over resamples.
    """

    plain_method: str
    graph: float
    plain: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """How much the graph network is above the plain method."""
        return self.graph - self.plain


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one label.

    Attributes
    ----------
    label, scheme : str
        Label, and how held-out samples were chosen.
    optimistic : bool
        Whether replicates of the held-out samples were learnt from.
    n_samples, n_groups, n_classes : int
        What counts.
    best_method : str
        Best method on latents; `balanced_accuracy`, `low` and `high` are its.
    p, smallest_p : float
        p of the best method against the best of permuted labels, and the smallest that the design allows; NaN for an
        optimistic scheme.
    gain : Gain or None
        The graph network against the plain methods, where there are both.
    components : float or None
        Balanced accuracy of logistic regression on principal components of the inputs.
    """

    label: str
    scheme: str
    optimistic: bool
    n_samples: int
    n_groups: int
    n_classes: int
    best_method: str
    balanced_accuracy: float
    low: float
    high: float
    p: float
    smallest_p: float
    gain: Gain | None
    components: float | None

    @property
    def chance(self) -> float:
        """Balanced accuracy of guessing."""
        return 1 / self.n_classes

    @property
    def carried(self) -> bool:
        """Whether the latents carry the label, as far as p can say."""
        return self.p <= ALPHA

    def sentence(self) -> str:
        """Say whether the latents carry the label, and whether the graph adds anything."""
        if self.n_classes < 2:
            return (
                f"{self.label}: all {self.n_samples} held-out samples that count have the same class, so nothing can "
                "be said about it."
            )
        where = "the latents" if self.optimistic else "them"
        reached = (
            f"the best method on {where} ({self.best_method}) reaches a held-out balanced accuracy of "
            f"{self.balanced_accuracy:.2f} [{self.low:.2f}, {self.high:.2f}] where chance is {self.chance:.2f}"
        )
        size = f"{self.n_samples} samples in {self.n_groups} groups"
        if self.optimistic:
            told = f"(optimistic: replicates of held-out samples were learnt from): {reached}, {size}"
            return f"{self.label} {told}{self._graph()}{self._inputs()}."
        carry = "the latents carry it" if self.carried else "nothing here shows that the latents carry it"
        told = f"{carry}, {reached}, permuted-label p {self.p:.2g}{self._bound()}, {size}"
        return f"{self.label}: {told}{self._graph()}{self._inputs()}."

    def _bound(self) -> str:
        if self.smallest_p <= ALPHA:
            return ""
        return f" (no smaller p than {self.smallest_p:.2g} is possible with so few groups)"

    def _graph(self) -> str:
        gain = self.gain
        if gain is None:
            return ""
        if gain.low > 0:
            comparison = "adds something over"
        elif gain.high < 0:
            comparison = "does worse than"
        else:
            comparison = "cannot be told apart from"
        return (
            f"; the graph ({gain.graph:.2f}) {comparison} {gain.plain_method} on the same latents ({gain.plain:.2f}; "
            f"difference {gain.difference:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}])"
        )

    def _inputs(self) -> str:
        if self.components is None:
            return ""
        return f"; logistic regression on principal components of the inputs reaches {self.components:.2f}"
