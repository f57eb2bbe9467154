"""Lengths of prompts and answers as REDI's code counts them, from transformers, for src/curate/lengths.test.ts: a small
byte-level tokenizer with Qwen2.5-Math's template (needs the data that is named below, in ../shared/data).

    python test/oracles/curate_lengths.py
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT.parent / "shared" / "data"
OUT = ROOT / "test" / "fixtures" / "lengths"

TEMPLATE = """{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nPlease reason step by step, and put your final answer within \\\\boxed{}.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def rows(name):
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    qwen = rows("qwen25-math-cot100/math_cot_100.jsonl")
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    backend.train_from_iterator([trace for row in qwen for trace in row["code"]], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=special[0], pad_token=special[0])
    tokenizer.chat_template = TEMPLATE
    backend.save(str(OUT / "tokenizer.json"), pretty=False)
    (OUT / "tokenizer_config.json").write_text(json.dumps({"eos_token": special[0]}) + "\n")
    (OUT / "chat_template.jinja").write_text(TEMPLATE)

    def templated(messages):
        return len(tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)) + 1

    def plain(text):
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    cases = []
    for i, row in enumerate(qwen[:40]):
        problem = ["", "\n", " é π 🙂 "][i % 3] + row["question"]
        responses = [row["code"][0], f"<think>\n{row['code'][1]}\n</think>\n\n{row['code'][2]}", "\n\nx <|im_end|> y"]
        user = {"role": "user", "content": problem}
        paper = [templated([user]), *(templated([{"role": "assistant", "content": text}]) for text in responses)]
        content = [plain(text) for text in [problem, *responses]]
        cases.append({"problem": problem, "responses": responses, "paper": paper, "content": content})
    (OUT / "expected.json").write_text(json.dumps(cases, ensure_ascii=False) + "\n", encoding="utf-8")


main()
