"""Writes test/fixtures/gguf/quants.json: float32 weights and the blocks that the Python package gguf (0.19) makes of them
(pip install gguf==0.19.0): ties, subnormal halves, zeros of both signs, blocks of one size and of many.
"""

import base64
import json
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import quantize

rng = np.random.default_rng(0)
halves = rng.integers(0, 0x7BFF, 256, dtype=np.uint16)
# Each finite half and the middle between it and the next one, of both signs.
ties = (halves.view(np.float16).astype(np.float64) + (halves + 1).view(np.float16).astype(np.float64)) / 2
weights = np.concatenate(
    [
        rng.normal(0, 0.02, 512),
        rng.normal(0, 1, 512) * 10.0 ** rng.integers(-7, 4, 512),
        ties[:128],
        -ties[128:],
        # Multiples of the scale and its halves: 127 makes d one.
        np.concatenate([[127.0], np.arange(-15, 16) + 0.5]),
        np.concatenate([[-127.0], np.arange(31) / 2]),
        np.zeros(16),
        -np.zeros(16),
        np.concatenate([[65504.0, -65504.0, 65519.0, 2.0**-24, 2.0**-25, -(2.0**-14)], np.zeros(26)]),
    ]
).astype(np.float32)
fixture = {"weights": base64.b64encode(weights.tobytes()).decode()}
for kind in (GGMLQuantizationType.F16, GGMLQuantizationType.Q8_0):
    fixture[kind.name] = base64.b64encode(quantize(weights, kind).tobytes()).decode()
out = Path(__file__).parent.parent / "fixtures" / "gguf" / "quants.json"
out.write_text(json.dumps(fixture, indent=1) + "\n")
