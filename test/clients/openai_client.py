"""What the official Python client makes of a server: `openai_client.py URL MODEL KEY`.

Needs `openai` (written with 3.57.0). Prints a line for each thing that holds and ends with 0, or says what does not.
"""

import asyncio
import sys

import openai

url, model, key = sys.argv[1:4]
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
hello = [{"role": "user", "content": "hello"}]
greedy = {"model": model, "messages": hello, "temperature": 0, "max_completion_tokens": 20}


def holds(what, condition):
    if not condition:
        sys.exit(f"does not hold: {what}")
    print(what)


def refused(kind, status, call):
    try:
        call()
    except kind as error:
        return error.status_code == status
    return False


holds("models", [one.id for one in client.models.list()] == [model])

whole = client.chat.completions.create(**greedy)
text = whole.choices[0].message.content
usage = whole.usage
holds("a chat", text and whole.choices[0].finish_reason in ("stop", "length"))
holds("usage", usage.total_tokens == usage.prompt_tokens + usage.completion_tokens and usage.completion_tokens <= 20)

events = list(client.chat.completions.create(**greedy, stream=True, stream_options={"include_usage": True}))
said = "".join(choice.delta.content or "" for event in events for choice in event.choices)
holds("a stream", said == text and len(events) > 5)
holds("usage of a stream", events[-1].usage == usage)

first = text[len(text) // 2]
stopped = client.chat.completions.create(**greedy, stop=[first])
holds("stop", stopped.choices[0].message.content == text[: text.index(first)])

several = client.chat.completions.create(**{**greedy, "temperature": 1}, n=3, seed=7)
again = client.chat.completions.create(**{**greedy, "temperature": 1}, n=3, seed=7)
texts = [choice.message.content for choice in several.choices]
holds("n and seed", len(set(texts)) == 3 and texts == [choice.message.content for choice in again.choices])

logprobs = client.chat.completions.create(**greedy, logprobs=True, top_logprobs=2).choices[0].logprobs.content
holds("log-probs", len(logprobs) == usage.completion_tokens)
holds("likeliest tokens", all(abs(one.logprob - one.top_logprobs[0].logprob) < 1e-4 for one in logprobs))

echo = client.completions.create(model=model, prompt="some text", max_tokens=0, echo=True, logprobs=1)
holds("a prompt's log-probs", len(echo.choices[0].logprobs.token_logprobs) == echo.usage.prompt_tokens)
scored = client.completions.create(model=model, prompt=[9, 8, 7], max_tokens=1, extra_body={"prompt_logprobs": 1})
holds("prompt_logprobs", scored.choices[0].model_extra["prompt_logprobs"][0] is None)

bad = {**greedy, "temperature": -1}
holds("400", refused(openai.BadRequestError, 400, lambda: client.chat.completions.create(**bad)))
other = {**greedy, "model": "another"}
holds("404", refused(openai.NotFoundError, 404, lambda: client.chat.completions.create(**other)))
stranger = openai.OpenAI(base_url=url, api_key="wrong", max_retries=0)
holds("401", refused(openai.AuthenticationError, 401, lambda: stranger.models.list()))
huge = {**greedy, "messages": [{"role": "user", "content": "x" * (9 << 20)}]}
holds("413", refused(openai.APIStatusError, 413, lambda: client.chat.completions.create(**huge)))

stream = client.chat.completions.create(**{**greedy, "max_completion_tokens": 1000}, stream=True)
next(iter(stream))
stream.close()
holds("a stream that is given up", True)


async def crowd():
    many = openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0)
    return await asyncio.gather(*(many.chat.completions.create(**greedy) for _ in range(100)))


answers = asyncio.run(crowd())
holds("a hundred at once", all(answer.choices[0].message.content == text for answer in answers))
