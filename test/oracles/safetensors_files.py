"""Writes test/fixtures/safetensors: small files made by the reference implementation (pip install safetensors torch)."""

from pathlib import Path

import torch
from safetensors.torch import save_file

out = Path(__file__).parent.parent / "fixtures" / "safetensors"
out.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)

dtypes = {
    "f64": torch.float64,
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "i16": torch.int16,
    "i8": torch.int8,
    "u8": torch.uint8,
    "bool": torch.bool,
}
tensors = {f"layer.{name}": (torch.randn(3, 5) * 20).to(dtype) for name, dtype in dtypes.items()}
tensors |= {
    "scalar": torch.tensor(1.5),
    "empty": torch.zeros(0, 4),
    "10": torch.arange(3, dtype=torch.float32),
    "9": torch.arange(2, dtype=torch.float32),
    "Zebra": torch.ones(1, dtype=torch.bfloat16),
    "größe": torch.ones(2, dtype=torch.bfloat16),
    "\U0001f600": torch.ones(2, dtype=torch.bfloat16),
    "\uffee": torch.ones(1, dtype=torch.bfloat16),
}
save_file(tensors, out / "all-dtypes.safetensors", metadata={"format": "pt"})
save_file({"a.weight": torch.randn(7, 3)}, out / "plain.safetensors")
