"""How time and memory grow with samples and with features."""

from tests.benchmarks.bench_autoencoder import training
from tests.benchmarks.measuring import measured
from tests.benchmarks.tables import Table, exponent

SAMPLES = (21, 50, 100, 300)
FEATURES = (10_000, 100_000, 1_000_000)
AT_FEATURES, AT_SAMPLES, EPOCHS = 20_000, 21, 10


def growth() -> Table:
    """Train the stated network by the span engine over a range of sizes."""
    rows, findings = [], []
    for what, sizes in (("samples", SAMPLES), ("features", FEATURES)):
        found = [
            measured(
                training,
                n_features=size if what == "features" else AT_FEATURES,
                n_samples=size if what == "samples" else AT_SAMPLES,
                preset="stated",
                engine="span",
                precision="float32",
                device="cpu",
                epochs=EPOCHS,
            )
            for size in sizes
        ]
        for size, one in zip(sizes, found, strict=True):
            shape = (f"{size:,}", f"{AT_SAMPLES}") if what == "features" else (f"{AT_FEATURES:,}", f"{size}")
            rows.append((*shape, f"{one.seconds:.2f}", f"{one.mib:,.0f}"))
        time = exponent(sizes, [one.seconds for one in found])
        memory = exponent(sizes, [one.mib for one in found])
        findings.append(f"Over {what}: time grows with the power {time:.2f}, memory with the power {memory:.2f}.")
    return Table(
        "Growth",
        f"Span engine, preset stated, {EPOCHS} epochs and the scores of every feature.",
        ("features", "samples", "seconds", "MiB"),
        tuple(rows),
        tuple(findings),
    )
