"""Reads the hidden widths of the presets that lie beside this module."""

from importlib.resources import files

import yaml
from pydantic import TypeAdapter

from configs.study import Preset, Role

_WIDTHS = TypeAdapter(dict[Role, tuple[int, ...]])


def load_widths(preset: Preset) -> dict[Role, tuple[int, ...]]:
    """Return the hidden widths of `preset` by layer role, from the input side to the latent."""
    text = (files("configs") / "presets" / f"{preset}.yaml").read_text(encoding="utf-8")
    return _WIDTHS.validate_python(yaml.safe_load(text))
