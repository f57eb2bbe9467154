"""Writes test/fixtures/smollm2/greedy.json: what transformers' generate answers greedily to eight questions, in float32.

{"transformers", "maxNewTokens", "rows": [{"question", "prompt", "ids", "text"}]}; prompt and ids are token ids, ids
with the end-of-turn token where the answer ends by itself; text is without it.
"""

import json

import torch
import transformers
from smollm2 import FIXTURES, load_model, load_tokenizer

MAX_NEW_TOKENS = 48
QUESTIONS = [
    "What is 5 + 7?",
    "What is the capital of France?",
    "Name three colours.",
    "Tom has 12 apples and gives 5 of them to Ann. How many apples does he have left?",
    "Translate to French: Good morning!",
    "A train runs 60 miles an hour for 3 hours, then stops, and then runs 40 miles an hour for 2 hours more. "
    "How far has it run in all? Write down each step before you give the answer.",
    "Hi",
    "Write one sentence about the sea.",
]


def main():
    tokenizer = load_tokenizer()
    model = load_model(torch.float32)
    rows = []
    for question in QUESTIONS:
        chat = [{"role": "user", "content": question}]
        text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        prompt = tokenizer.encode(text, add_special_tokens=False)
        end = tokenizer.eos_token_id
        whole = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=MAX_NEW_TOKENS,
            do_sample=False,
            eos_token_id=end,
            pad_token_id=end,
        )[0].tolist()
        ids = whole[len(prompt) :]
        answer = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        rows.append({"question": question, "prompt": prompt, "ids": ids, "text": answer})
    result = {"transformers": transformers.__version__, "maxNewTokens": MAX_NEW_TOKENS, "rows": rows}
    (FIXTURES / "greedy.json").write_text(json.dumps(result) + "\n")


main()
