"""How time and memory grow with samples and with features."""

from collections.abc import Callable

from tests.benchmarks.bench_autoencoder import training
from tests.benchmarks.bench_correlation import pairs_of_noise
from tests.benchmarks.measuring import measured
from tests.benchmarks.tables import Table, exponent

SAMPLES = (21, 50, 100, 300)
FEATURES = (10_000, 100_000, 1_000_000)
AT_FEATURES, AT_SAMPLES, EPOCHS = 20_000, 21, 10


def span_training(n_features: int, n_samples: int) -> Callable[[], object]:
    """Return a training of the stated network by the span engine, with the scores of every feature."""
    return training(n_features, n_samples, "stated", "span", "float32", "cpu", EPOCHS)


def growth() -> Table:
    """Train the stated network, and correlate with 1,000 metabolites, over a range of sizes."""
    rows, findings = [], []
    for name, work in (("span training", span_training), ("correlation", pairs_of_noise)):
        for what, sizes in (("samples", SAMPLES), ("features", FEATURES)):
            shapes = [(size, AT_SAMPLES) if what == "features" else (AT_FEATURES, size) for size in sizes]
            found = [measured(work, n_features=shape[0], n_samples=shape[1]) for shape in shapes]
            rows += [
                (name, f"{shape[0]:,}", f"{shape[1]}", f"{one.seconds:.2f}", f"{one.mib:,.0f}")
                for shape, one in zip(shapes, found, strict=True)
            ]
            time = exponent(sizes, [one.seconds for one in found])
            memory = exponent(sizes, [max(one.mib, 1) for one in found])
            findings.append(f"{name} over {what}: time grows with the power {time:.2f}, memory with {memory:.2f}.")
    return Table(
        "Growth",
        f"Span engine, preset stated, {EPOCHS} epochs and the scores of every feature; Spearman of all features with "
        "1,000 metabolites, exact q: up to 128 samples in one pass, beyond in two.",
        ("work", "features", "samples", "seconds", "MiB"),
        tuple(rows),
        tuple(findings),
    )
