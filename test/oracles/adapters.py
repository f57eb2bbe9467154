"""Writes test/fixtures/adapters/<name>/: low-rank adapters over the tiny models of test/fixtures/families as PEFT saves
them, and what PEFT computes with them (pip install torch==2.11.0 transformers==5.23.0 peft==0.21.2).

adapter_config.json, adapter_model.safetensors   the adapter; its base is named by a path from its own folder
expected.json    {"peft", "transformers", "vocabSize", "ids", "logits", "optimizer", "rows", "steps"}
                 logits: base64 of little-endian float32 [ids, vocabSize], eager attention in float32;
                 steps: [{"loss", "gradNorm"}] of AdamW on the adapter alone, each on two of the "rows"
                 (ids, responseStart), loss being the mean of -log p over the tokens of both responses, and gradNorm
                 being taken before clipping

No matrix is zero and no magnitude is that of its row, so that a reader which leaves one out cannot pass.
"""

import base64
import json
import shutil
from pathlib import Path

import peft
import torch
import torch.nn.functional as F
import transformers
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

FIXTURES = Path(__file__).parents[1] / "fixtures"
OUT = FIXTURES / "adapters"
STEPS, ROWS_PER_STEP = 6, 2
OPTIMIZER = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weightDecay": 0, "clipGradNorm": 1}

# name: (family, settings)
ADAPTERS = {
    "llama-lora": ("llama", dict(target_modules="all-linear")),
    "llama-defaults": ("llama", dict(r=8, lora_alpha=8)),
    "llama-tied-layers": ("llama-tied-old-keys", dict(target_modules=r".*\.1\..*(down_proj|o_proj)")),
    "qwen2-rslora": ("qwen2", dict(target_modules=["k_proj", "v_proj", "up_proj"], use_rslora=True)),
    "qwen2-dora": ("qwen2", dict(target_modules="all-linear", use_dora=True)),
    "qwen3-dora": ("qwen3", dict(target_modules=["q_proj", "o_proj", "gate_proj", "down_proj"], use_dora=True)),
    "gemma3-dora-rslora": ("gemma3", dict(target_modules="all-linear", use_dora=True, use_rslora=True)),
}


def load(family):
    model = AutoModelForCausalLM.from_pretrained(
        FIXTURES / "families" / family, dtype=torch.float32, attn_implementation="eager"
    )
    return model.eval()


def perturb(model):
    """Gives every parameter of the adapters another value than its first."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            noise = torch.rand(parameter.shape, generator=generator) * 2 - 1
            if "magnitude" in name:
                parameter.mul_(1 + noise / 4)
            else:
                parameter.copy_(noise / 4)


def response_logps(model, ids, start):
    logits = model(torch.tensor([ids])).logits[0].double()
    return F.log_softmax(logits, -1)[torch.arange(start - 1, len(ids) - 1), ids[start:]]


def train(model, rows):
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters,
        lr=OPTIMIZER["lr"],
        betas=OPTIMIZER["betas"],
        eps=OPTIMIZER["eps"],
        weight_decay=OPTIMIZER["weightDecay"],
    )
    steps = []
    for step in range(STEPS):
        some = rows[step * ROWS_PER_STEP : (step + 1) * ROWS_PER_STEP]
        loss = -torch.cat([response_logps(model, ids, start) for ids, start in some]).mean()
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, OPTIMIZER["clipGradNorm"])
        optimizer.step()
        steps.append({"loss": loss.item(), "gradNorm": norm.item()})
    return steps


def write(name, family, settings):
    out = OUT / name
    shutil.rmtree(out, ignore_errors=True)
    torch.manual_seed(3)
    base = load(family)
    vocab = base.config.vocab_size
    ids = [(7 * i * i + 3 * i + 5) % vocab for i in range(30)]
    model = get_peft_model(base, LoraConfig(**{"task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 6, **settings}))
    perturb(model)
    model.eval()
    model.save_pretrained(out)
    (out / "README.md").unlink()
    config = json.loads((out / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = f"../../families/{family}"
    config["target_modules"] = (
        sorted(config["target_modules"]) if isinstance(config["target_modules"], list) else config["target_modules"]
    )
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
        plain = load(family)(torch.tensor([ids])).logits[0]
    assert (logits - plain).abs().max() > 0.1, name
    rows = [
        ([(11 * i * i + (r + 2) * i + r) % vocab for i in range(10 + 3 * r)], 4 + r) for r in range(STEPS * ROWS_PER_STEP)
    ]
    model.train()
    expected = {
        "peft": peft.__version__,
        "transformers": transformers.__version__,
        "vocabSize": vocab,
        "ids": ids,
        "logits": base64.b64encode(logits.float().numpy().astype("<f4").tobytes()).decode(),
        "optimizer": OPTIMIZER,
        "rows": [{"ids": row, "responseStart": start} for row, start in rows],
        "steps": train(model, rows),
    }
    (out / "expected.json").write_text(json.dumps(expected) + "\n")
    print(name, expected["steps"][0], expected["steps"][-1])


for name, (family, settings) in ADAPTERS.items():
    write(name, family, settings)
