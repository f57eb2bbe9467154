"""Writes test/fixtures/adamw.json: torch.optim.AdamW and clip_grad_norm_ over six steps (pip install torch==2.11.0).

Gradients are not constant and on two of the steps their norm is above the limit. The matrices decay and the vector does
not: the two groups that transformers' Trainer makes, to which norms and biases are vectors. float64 on the CPU,
fused=False, so that the numbers come from another implementation than the one tested.
"""

import json
import math
from pathlib import Path

import torch

OPTIONS = dict(lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
MAX_NORM = 1.0
STEPS = 6

params = [
    torch.tensor([0.5, -1.25, 2.0], dtype=torch.float64, requires_grad=True),
    torch.tensor([[0.1, 0.0], [-3.0, 1e-3]], dtype=torch.float64, requires_grad=True),
]
groups = [
    {"params": [p for p in params if p.dim() > 1]},
    {"params": [p for p in params if p.dim() <= 1], "weight_decay": 0.0},
]
optimizer = torch.optim.AdamW(groups, **OPTIONS, fused=False, foreach=False)
start = [p.detach().flatten().tolist() for p in params]
steps = []
for step in range(STEPS):
    scale = 3.0 if step in (1, 4) else 0.2
    for p in params:
        flat = torch.tensor([scale * math.sin(1.0 + i + 2.5 * step) for i in range(p.numel())], dtype=torch.float64)
        p.grad = flat.reshape(p.shape)
    grads = [p.grad.flatten().tolist() for p in params]
    norm = torch.nn.utils.clip_grad_norm_(params, MAX_NORM).item()
    clipped = [p.grad.flatten().tolist() for p in params]
    optimizer.step()
    steps.append(dict(grads=grads, norm=norm, clipped=clipped, params=[p.detach().flatten().tolist() for p in params]))

out = Path(__file__).parents[1] / "fixtures" / "adamw.json"
shapes = [list(p.shape) for p in params]
out.write_text(json.dumps(dict(options=OPTIONS, maxNorm=MAX_NORM, shapes=shapes, start=start, steps=steps)) + "\n")
