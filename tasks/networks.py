"""What flows need to know of the networks."""

from configs.study import StudyConfig
from models.presets import hidden_widths


def hidden_widths_of(study: StudyConfig, layer: str) -> tuple[int, ...]:
    """Return the hidden widths of a layer's autoencoder: the study's own, else the preset's."""
    return study.autoencoder.widths.get(layer) or hidden_widths(study.autoencoder.preset, study.role(layer))
