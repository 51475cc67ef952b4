"""About how long a run takes and how much memory, from what was measured.

The constants are fitted to measurements on two cores of an AMD EPYC: `python -m tests.benchmarks pipeline` (132,129
genes, preset stated, two targets with baits: 357 s for 6 trainings, 288 s for 10 more, 2.4 GiB; on 2026-11-25, with a
server that rests, 232 s, 109 s and 3.1 GiB, which the ranges hold), `autoencoder` (10 epochs: 0.4 s counted, 2.9 s
stated), `null` (baits), and `cairn run` on the first study of tomato_falcarindiol that `cairn init` writes (1,090
genes, all 362 metabolites a target, 16 trainings, one label): 407 s of processor time, so about 203 s on two cores, a
quarter of it for the permuted labels and a quarter for the null, and 1.2 GiB.
"""

from dataclasses import dataclass

GIB = 2**30
STARTING = 30.0
"""Seconds for the server, the reading, the report and its figures."""
_TRAINING = {"compact": 1.5, "counted": 2.0, "stated": 12.0}
"""Seconds a training: the autoencoders and the graph network of one fold."""
_TRAINING_OF_GENES = 1.3e-4
"""Seconds a training and gene: what the networks say of each gene."""
_PERMUTED_LABELS = 0.15
"""Seconds for the graph network of one fold and one arrangement of permuted labels."""
_RANKING_OF_GENES = 1e-4
"""Seconds a gene and target: correlation and ranking."""
_NULL_OF_PAIRS, _NULL_GENES = 1e-7, 5_000
"""Seconds a permutation of the groups and pair of gene and target metabolite, and genes that a null has at most."""
_BAITS, _BAITS_OF_GENES = 30.0, 1.5e-4
"""Seconds a target with baits, and a target with baits and gene: their null, and the gene graph."""
_LEAST_BYTES, _BYTES_OF_VALUES = 1.4 * GIB, 400.0
"""Bytes of a run on very little, and bytes a value of the gene layer."""
_OFF = 2.0
"""Times that an estimate may be too long or too short."""


@dataclass(frozen=True, slots=True)
class RunSize:
    """What the time and memory of a run depend on.

    Attributes
    ----------
    n_genes, n_samples : int
        Size of the gene layer.
    n_trainings : int
        Folds of all repeats and the final fit.
    n_targets, n_with_baits, n_target_metabolites : int
        Targets, those of them that have baits, and the metabolites of all together.
    n_permuted_labels, n_permutations : int
        Permuted labels that a network is trained on, over all folds; permutations of the groups for the ranking.
    preset : str
        Preset of the autoencoders.
    dense_bytes : int
        Memory that the dense trainings at one time need; 0 where all are in the span of the samples.
    cores : int
        Processor cores of this machine.
    """

    n_genes: int
    n_samples: int
    n_trainings: int
    n_targets: int
    n_with_baits: int
    n_target_metabolites: int
    n_permuted_labels: int
    n_permutations: int
    preset: str
    dense_bytes: int
    cores: int


def seconds_of(size: RunSize) -> float:
    """Return about how many seconds a first run takes on two cores; one core takes twice as long."""
    training = _TRAINING[size.preset] + _TRAINING_OF_GENES * size.n_genes
    labels = size.n_permuted_labels * _PERMUTED_LABELS
    pairs = min(size.n_genes, _NULL_GENES) * size.n_target_metabolites
    ranking = size.n_targets * _RANKING_OF_GENES * size.n_genes + pairs * size.n_permutations * _NULL_OF_PAIRS
    baits = size.n_with_baits * (_BAITS + _BAITS_OF_GENES * size.n_genes)
    return (STARTING + size.n_trainings * training + labels + ranking + baits) * (2 if size.cores == 1 else 1)


def bytes_of(size: RunSize) -> float:
    """Return about how many bytes all processes of a run take together."""
    return _LEAST_BYTES + _BYTES_OF_VALUES * size.n_genes * size.n_samples + size.dense_bytes


def estimate_sentence(size: RunSize) -> str:
    """Say about how long a run takes and how much memory, as a range."""
    seconds, needed = seconds_of(size), bytes_of(size) / GIB
    slow = " Dense training may take far longer than that without a graphics card." if size.dense_bytes > GIB else ""
    return (
        f"A first run takes about {_minutes(seconds / _OFF)} to {_minutes(seconds * _OFF)} and about {needed:.1f} to "
        f"{needed * 1.5:.1f} GiB of memory, as measured on two cores that do nothing else; a second run takes only "
        f"what has changed.{slow}"
    )


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3600:.1f} hours"
