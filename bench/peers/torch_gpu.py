"""What bench/gpu.ts trains, as a person would write it by hand in PyTorch on a GPU:

    python torch_gpu.py --length 8192 --traces 1 --steps 3 [--checkpoint] [--compile] [--tiny]

A REDI step (alpha 0.8) of one pair of traces on transformers' Qwen2 of the size of Qwen2.5-1.5B with random weights:
bf16 weights and activations, float32 masters and fused AdamW, libtorch's scaled_dot_product_attention, the head in chunks
so that the full logits never exist. `--traces 2` runs both traces as one batch. `--checkpoint`: gradient checkpointing.
"""

import argparse
import time

import torch
import torch.nn.functional as F
from transformers import Qwen2Config, Qwen2ForCausalLM

ALPHA = 0.8
CHUNK = 2048

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--length", type=int, default=8192)
parser.add_argument("--traces", type=int, choices=[1, 2], default=1)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--checkpoint", action="store_true")
parser.add_argument("--compile", action="store_true")
parser.add_argument("--tiny", action="store_true")
parser.add_argument("--device", default="cuda")
args = parser.parse_args()

size = dict(vocab_size=151936, hidden_size=1536, intermediate_size=8960, num_hidden_layers=28, num_attention_heads=12)
if args.tiny:
    size = dict(vocab_size=1000, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)
config = Qwen2Config(
    **size, num_key_value_heads=2, rms_norm_eps=1e-6, max_position_embeddings=131072, tie_word_embeddings=True,
    attn_implementation="sdpa", use_cache=False,
)
torch.manual_seed(1)
with torch.device(args.device):
    model = Qwen2ForCausalLM(config).to(torch.bfloat16)
model.train()
if args.checkpoint:
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
weights = list(model.parameters())
masters = [weight.detach().float().requires_grad_() for weight in weights]
optimizer = torch.optim.AdamW(masters, lr=1e-6, weight_decay=0.0, fused=True)
body = torch.compile(model.model) if args.compile else model.model
pair = torch.randint(config.vocab_size, (2, args.length), device=args.device)


def head_loss(hidden, targets, weight):
    return weight * F.cross_entropy(model.lm_head(hidden).float(), targets, reduction="sum")


def backward(ids, signs):
    hidden = body(input_ids=ids).last_hidden_state
    leaf = hidden.detach().requires_grad_()
    for row, sign in enumerate(signs):
        for at in range(1, args.length, CHUNK):
            until = min(at + CHUNK, args.length)
            head_loss(leaf[row, at - 1 : until - 1], ids[row, at:until], sign / (args.length - 1)).backward()
    hidden.backward(leaf.grad)


def step():
    signs = (1.0, -ALPHA)
    if args.traces == 2:
        backward(pair, signs)
    else:
        for row in range(2):
            backward(pair[row : row + 1], signs[row : row + 1])
    for master, weight in zip(masters, weights, strict=True):
        master.grad, weight.grad = weight.grad.float(), None
    torch.nn.utils.clip_grad_norm_(masters, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    with torch.no_grad():
        torch._foreach_copy_(weights, masters)


def wait():
    if args.device != "cpu":
        torch.cuda.synchronize()


seconds = []
for _ in range(args.steps + 1):
    wait()
    started = time.perf_counter()
    step()
    wait()
    seconds.append(time.perf_counter() - started)
rates = sorted(2 * args.length / s for s in seconds[1:])
peak = torch.cuda.max_memory_allocated() / 1e9 if args.device != "cpu" else float("nan")
print(
    f"torch {torch.__version__}, length {args.length}, traces {args.traces}, checkpoint {args.checkpoint}, "
    f"compile {args.compile}: {rates[len(rates) // 2]:.0f} ({rates[0]:.0f}-{rates[-1]:.0f}) tokens/s, peak {peak:.2f} GB"
)
