"""Writes test/fixtures/adamw_8bit.json: torchao's AdamW8bit over six steps (pip install torch==2.11.0 torchao==0.18.0).

One matrix of 64 × 64, the smallest whose moments torchao keeps in 8 bits: 16 blocks of 256. Gradients differ by a factor of up to
100 within a block. float32 on the CPU, without torch.compile.
"""

import json
import math
from pathlib import Path

import torch

torch._dynamo.config.disable = True
from torchao.optim import AdamW8bit  # noqa: E402
from torchao.optim.quant_utils import create_dynamic_map  # noqa: E402

OPTIONS = dict(lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
COUNT = 64 * 64

param = torch.nn.Parameter(torch.tensor([math.cos(0.37 * i) for i in range(COUNT)]).reshape(64, 64))
start = param.detach().flatten().tolist()
optimizer = AdamW8bit([param], **OPTIONS, block_size=256)
steps = []
for step in range(6):
    grad = torch.tensor([math.sin(1.3 * i + 2.5 * step) * 10 ** (-1 - (i * 7 % 11) / 5) for i in range(COUNT)])
    param.grad = grad.reshape(64, 64)
    optimizer.step()
    steps.append(param.detach().flatten()[::13].tolist())
state = optimizer.state[param]
assert type(state["exp_avg"]).__name__ == "OptimState8bit"

out = Path(__file__).parents[1] / "fixtures" / "adamw_8bit.json"
out.write_text(
    json.dumps(
        dict(
            options=OPTIONS,
            maps=dict(signed=create_dynamic_map(True), unsigned=create_dynamic_map(False)),
            params=steps,
            scales=dict(
                exp_avg=state["exp_avg"].scale.tolist(),
                exp_avg_sq=state["exp_avg_sq"].scale.tolist(),
            ),
        )
    )
    + "\n"
)
