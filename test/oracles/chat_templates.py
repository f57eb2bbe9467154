"""What transformers makes of chat templates (Python packages: transformers 5.23.0, jinja2 3.1.6; with --trl also trl 1.16.0).

    python test/oracles/chat_templates.py          writes test/fixtures/text/jinja.json: our own templates, one for each
                                                   thing that Jinja2 does in its own way, and what they render to
    python test/oracles/chat_templates.py --trl    prints the templates of the installed trl and their renderings as one
                                                   JSON object, for src/text/jinja.oracle.test.ts

Nothing of trl's templates is stored. Places in texts are counted in UTF-16 units, as JavaScript does.
"""

import json
import sys
from pathlib import Path

import transformers
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import render_jinja_template

from chat_template_cases import CASES, CONVERSATIONS, KWARGS

assert transformers.__version__ == "5.23.0", transformers.__version__
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
vocabulary = {token: i for i, token in enumerate(SPECIAL.values())}
TOKENIZER = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>")), **SPECIAL)


def units(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def rendered(template, messages, tools=None, kwargs=None, add_generation_prompt=False):
    """The text of apply_chat_template and the places that its {% generation %} blocks wrote, or the error."""
    options = dict(tools=tools, add_generation_prompt=add_generation_prompt, chat_template=template, **(kwargs or {}))
    try:
        text = TOKENIZER.apply_chat_template(messages, tokenize=False, **options)
        # As apply_chat_template does before it renders.
        present = [{k: v for k, v in message.items() if v is not None} for message in messages]
        both = render_jinja_template([present], return_assistant_tokens_mask=True, **{**TOKENIZER.special_tokens_map, **options})
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    assert both[0][0] == text
    spans = [[units(text[:start]), units(text[:end])] for start, end in both[1][0]]
    return {"text": text, "spans": spans}


def own():
    cases = []
    for name, template, given in CASES:
        inputs = {"messages": [{"role": "user", "content": "hi"}], **given}
        cases.append({"name": name, "template": template, **inputs, **rendered(template, **inputs)})
    out = Path(__file__).parent.parent / "fixtures" / "text" / "jinja.json"
    out.write_text(json.dumps({"special": SPECIAL, "cases": cases}, indent=1, ensure_ascii=False) + "\n")


def trl():
    import trl

    # Bytes, since open() would turn \r\n into \n.
    folder = Path(trl.__file__).parent / "chat_templates"
    templates = {path.name: path.read_bytes().decode() for path in sorted(folder.glob("*.jinja"))}
    results = []
    for name, template in templates.items():
        for label, conversation in CONVERSATIONS.items():
            for kwargs in KWARGS:
                for prompt in (False, True):
                    result = rendered(template, **conversation, kwargs=kwargs, add_generation_prompt=prompt)
                    results.append({"template": name, "conversation": label, "kwargs": kwargs, "prompt": prompt, **result})
    print(json.dumps({"special": SPECIAL, "templates": templates, "conversations": CONVERSATIONS, "results": results}))


trl() if "--trl" in sys.argv else own()
