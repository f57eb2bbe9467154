"""Writes test/fixtures/gguf/blocks.json: random blocks of each type and what the Python package gguf (0.19) makes of
them (pip install gguf==0.19.0). Every bit pattern of the packed fields occurs; the half-precision scales are finite.
"""

import base64
import json
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

# Offsets of the half-precision fields inside a block.
HALVES = {
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q8_0": [0],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
}

rng = np.random.default_rng(0)
fixtures = {}
for name in ["F32", "F16", "BF16", *HALVES]:
    kind = GGMLQuantizationType[name]
    weights, size = GGML_QUANT_SIZES[kind]
    blocks = max(6, 256 // weights)
    raw = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    for offset in HALVES.get(name, []):
        # Half of the scales as in a model, the others anything finite, subnormal and negative included.
        scales = rng.normal(0, 0.02, blocks).astype(np.float16)
        wild = rng.integers(0, 1 << 16, blocks, dtype=np.uint16)
        wild[(wild & 0x7C00) == 0x7C00] &= 0x83FF
        scales[1::2] = wild.view(np.float16)[1::2]
        raw[:, offset : offset + 2] = scales.view(np.uint8).reshape(blocks, 2)
    if name == "F32":
        data = raw.view(np.float32)
    elif name == "F16":
        data = raw.view(np.float16)
    else:
        data = raw
    values = np.ascontiguousarray(dequantize(data, kind), dtype=np.float32)
    fixtures[name] = {
        "type": int(kind),
        "blocks": base64.b64encode(raw.tobytes()).decode(),
        "values": base64.b64encode(values.tobytes()).decode(),
    }

out = Path(__file__).parent.parent / "fixtures" / "gguf" / "blocks.json"
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text(json.dumps(fixtures, indent=1) + "\n")
