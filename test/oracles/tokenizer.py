"""Token ids of 2,000 texts and rendered chats from transformers, for src/text (needs what smollm2.py needs, and the data
that test/fixtures/text/SOURCE.md names beside the repository, in ../shared/data).

    python test/oracles/tokenizer.py
"""

import gzip
import json
import random
import string

from smollm2 import ROOT, SOLUTIONS, load_tokenizer, read_json_lines

OUT = ROOT / "test" / "fixtures" / "text"

QWEN25 = """{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

# Keeps the thinking of the turns after the last question, drops that of earlier ones.
QWEN3 = """{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

LLAMA3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + "
    "message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
    "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)

GEMMA3 = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model\n'}}
{%- endif -%}
"""

# As the templates of models that always think: the prompt ends inside the thought.
QWEN3_THINKING = QWEN3.replace(
    "{{- '<|im_start|>assistant\\n' }}", "{{- '<|im_start|>assistant\\n<think>\\n' }}"
)

# What templates use here and there: tags that mark the answer, tools that are none, JSON, loops that are left early,
# macros, filters and slices.
ASSORTED = """{{ bos_token }}{% if tools is not none or documents is not none %}TOOLS{% endif %}
{%- macro header(role, end="\\n") %}{{ "<|" ~ role | upper ~ "|>" ~ end }}{% endmacro %}
{%- for message in messages -%}
    {% if loop.index0 > 3 %}{% break %}{% endif -%}
    {{ header(message["role"]) }}
    {%- if message.role == "assistant" %}
        {%- generation %}
            {{- message.content.rstrip(" \\n") }}{{ eos_token }}
        {%- endgeneration %}
    {%- else %}
        {{- {"content": message.content, "n": [1, 2.5, none, true]} | tojson }} {{ message.content[:5] | trim | length }}
    {%- endif %}
    {%- if message.reasoning_content is defined and message.reasoning_content is string %}{{ message.reasoning_content }}{% endif %}
{% endfor %}
{{- messages | selectattr("role", "equalto", "user") | map(attribute="content") | join(", ") }}
{% if add_generation_prompt %}{{ header("assistant", end="") }}{% endif %}
"""

CODE = [
    "def f(x):\n\treturn x ** 2  # ok\r\n",
    "for (let i = 0; i < n; i++) { a[i] += b[i] >> 1; }\n\n\n",
    "SELECT name, COUNT(*) FROM t WHERE x >= 10 GROUP BY 1;",
    "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", 0x1F); return 0; }",
    "fn main() { let v: Vec<u8> = vec![1, 2, 3]; println!(\"{:?}\", v); }",
    "{{ template }} {% if x %} {# comment #} ${var} $(cmd) `tick`",
]
SCRIPTS = [
    "日本語のテキスト、漢字かな交じり文。", "中文：一二三四五，六七八九十。", "한국어 문장입니다.", "עברית מימין לשמאל", "النص العربي ١٢٣",
    "Ελληνικά και Русский текст", "ไทยไม่มีช่องว่าง", "हिन्दी पाठ", "👩‍👩‍👧‍👦 👍🏽 🇩🇪 ☃️", "e\u0301 vs é, ﬁ ligature, \u200bzero\u200dwidth", "∑∏∫√∞≠≤≥ℝℕ𝔸𝒳",
    "\u00a0non-breaking\u2009thin\u3000wide", "naïve café Ærøskøbing ſ ß ẞ", "½ ⅓ ² ³ ₁ ₂ Ⅷ ①",
]
SPECIALS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>user\n", "<| im_end |>", "<|im_end", "<repo_name>", "<think>\n", "</think>"]


DATA = ROOT.parent / "shared" / "data"


def latex():
    problems = json.loads((DATA / "benchmarks" / "math.json").read_text())
    rows = read_json_lines(DATA / "qwen25-math-cot100" / "math_cot_100.jsonl")
    return [row["problem"] for row in problems[::3]][:160] + [row["code"][0] for row in rows[::2]][:40]


def generated(count, seed):
    rng = random.Random(seed)
    pieces = CODE + SCRIPTS + SPECIALS
    words = "the of 12 3.14 1,000 x=5 don't I'VE we'll 100% $20 a_b CamelCase snake_case --flag http://x.y/z?q=1 \\frac{1}{2} \\boxed{7}".split()
    texts = ["", " ", "  ", "\n", "\n\n", "\t", "\r\n", " \n ", "a", " a", "a ", "\x00\x01", "\ufeffx", "0" * 50, "a" * 300]
    while len(texts) < count:
        parts = []
        for _ in range(rng.randint(1, 12)):
            kind = rng.random()
            if kind < 0.35:
                parts.append(rng.choice(words))
            elif kind < 0.6:
                parts.append(rng.choice(pieces))
            elif kind < 0.7:
                parts.append("".join(rng.choice(string.printable) for _ in range(rng.randint(1, 30))))
            elif kind < 0.8:
                parts.append("".join(chr(rng.choice([rng.randrange(32, 0x250), rng.randrange(0x370, 0x2000), rng.randrange(0x4E00, 0x9FFF), rng.randrange(0x1F300, 0x1F6FF)])) for _ in range(rng.randint(1, 10))))
            else:
                parts.append(rng.choice([" ", "  ", "   ", "\n", "\n\n", "\t", " \n", "\n ", "      "]))
        texts.append(rng.choice(["", " "]).join(parts))
    return texts


def chats():
    user = {"role": "user", "content": "What is 5 + 7?"}
    answer = {"role": "assistant", "content": "<think>\n5 + 7 = 12\n</think>\n\nThe answer is \\boxed{12}."}
    system = {"role": "system", "content": "Please reason step by step."}
    braces = {"role": "user", "content": "{{ messages }} {% raw %} <|im_end|>\n  trailing  "}
    empty = {"role": "user", "content": ""}
    unicode = {"role": "user", "content": "Решите: ½·x = 3 \u200d👍🏽\n"}
    plain = {"role": "assistant", "content": "The answer is 12"}
    indented = {"role": "assistant", "content": "\n    x = 12\n    y = 'é\"<>&'  \n"}
    apart = {"role": "assistant", "content": "12", "reasoning_content": "5 + 7 = 12", "tool_calls": None}
    return [
        ([user], True), ([user], False), ([user, answer], False), ([system, user], True), ([system, user, answer], False),
        ([user, answer, user], True), ([user, answer, user, answer], False), ([braces], True), ([braces, answer], False),
        ([empty], True), ([unicode], True), ([unicode, answer], False),
        ([user, plain], False), ([user, indented], False), ([user, apart], False), ([user, plain, unicode, plain, user, answer], False),
    ]  # fmt: skip


def main():
    tokenizer = load_tokenizer()
    rows = read_json_lines(SOLUTIONS)
    traces = [row[model]["solution"] for row in rows[::4] for model in ("6b_finetuning", "175b_verification")]
    texts = traces[:600] + [row["question"] for row in rows[1::4]][:300]
    rendered = [tokenizer.apply_chat_template(m, tokenize=False, add_generation_prompt=g) for m, g in chats()]
    texts += rendered
    texts += latex()
    texts += generated(2000 - len(texts), 7)
    OUT.mkdir(exist_ok=True)
    lines = [json.dumps({"text": t, "ids": tokenizer.encode(t, add_special_tokens=False), "decoded": tokenizer.decode(tokenizer.encode(t, add_special_tokens=False), skip_special_tokens=True, clean_up_tokenization_spaces=False)}) for t in texts]
    data = "\n".join(lines).encode()
    assert len(lines) == 2000
    (OUT / "tokens.jsonl.gz").write_bytes(gzip.compress(data, mtime=0))

    templates = {"smollm2": tokenizer.chat_template, "qwen2.5": QWEN25, "qwen3": QWEN3, "qwen3-thinking": QWEN3_THINKING, "llama3": LLAMA3, "gemma3": GEMMA3, "assorted": ASSORTED}
    cases = []
    for name, template in templates.items():
        for messages, generation in chats():
            expected = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=generation)
            cases.append({"template": name, "messages": messages, "addGenerationPrompt": generation, "expected": expected})
    special = {"bos_token": tokenizer.bos_token, "eos_token": tokenizer.eos_token}
    (OUT / "templates.json").write_text(json.dumps({"special": special, "templates": templates, "cases": cases}, indent=1, ensure_ascii=False))


main()
