"""What flows need to know of the networks: the device, and the widths of a layer."""

from configs.artifact import Runtime
from configs.study import StudyConfig
from models.device import choose_device
from models.presets import hidden_widths


def device_of(runtime: Runtime) -> str:
    """Return `cuda`, `mps` or `cpu`; raises UserError when the wanted device is not there."""
    return choose_device(runtime.device)


def hidden_widths_of(study: StudyConfig, layer: str) -> tuple[int, ...]:
    """Return the hidden widths of a layer's autoencoder: the study's own, else the preset's."""
    return study.autoencoder.widths.get(layer) or hidden_widths(study.autoencoder.preset, study.role(layer))
