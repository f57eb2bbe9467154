import { describe, expect, it } from 'vitest';
import { maskSecrets, redactSettings, redactUrl, secretsIn } from './redact.js';

const SECRET = 'hunter2';

describe('redactUrl', () => {
  it('leaves addresses without secrets alone', () => {
    for (const url of [
      'https://huggingface.co',
      'http://127.0.0.1:8080/v1/',
      'https://[::1]:8000/v1',
      'https://hub.example/@owner/name@main',
      'not an address',
      '',
    ])
      expect(redactUrl(url)).toBe(url);
  });

  it.each([
    ['https://user:hunter2@hub.example/v1', 'https://***@hub.example/v1'],
    ['https://hunter2@hub.example', 'https://***@hub.example'],
    ['https://user:a@hunter2@hub.example:8080/@x', 'https://***@hub.example:8080/@x'],
    ['HTTP://user:hunter2@hub.example', 'HTTP://***@hub.example'],
    ['https://user:hunter2/x@hub.example', 'https://***@hub.example'],
    ['https://user:hunter2?x@hub.example', 'https://***@hub.example'],
    ['https://user:#hunter2@hub.example', 'https://user:'],
    ['https://user:\nhunter2@hub.example/v1', 'https://***@hub.example/v1'],
    ['user:hunter2@hub.example/v1', '***@hub.example/v1'],
    ['https:/user:hunter2@hub.example/v1', 'https:/***@hub.example/v1'],
    ['https://hub.example/v1?key=hunter2', 'https://hub.example/v1?key=***'],
    ['https://hub.example/v1?a=1&token=hunter2&b', 'https://hub.example/v1?a=***&token=***&b'],
    ['https://hub.example/v1?key=hunter2=hunter2', 'https://hub.example/v1?key=***'],
    ['https://hub.example/v1#hunter2', 'https://hub.example/v1'],
    ['https://hub.example/v1?key=x@hunter2', 'https://hub.example/v1?key=***'],
    ['http://a/v1, http://user:hunter2@b/v1', 'http://a/v1,http://***@b/v1'],
    ['http://a/v1?key=hunter2,http://b/v1', 'http://a/v1?key=***,http://b/v1'],
    ['http://a/v1,http://b/v1?key=1,hunter2', 'http://a/v1,http://b/v1?key=***'],
  ])('%j is shown as %j', (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
    expect(shown).not.toContain(SECRET);
  });
});

describe('settings', () => {
  const SECRETS = {
    api_key: 'SEC-1',
    apiKey: 'SEC-2',
    'x-api-key': 'SEC-3',
    Authorization: 'SEC-4',
    hf_token: 'SEC-5',
    ACCESS_TOKEN: 'SEC-6',
    password: 'SEC-7',
    client_secret: 'SEC-8',
    auth: { user: 'SEC-9', more: ['SEC-10', { deep: 'SEC-11' }] },
    headers: { Cookie: 'SEC-12', harmless: 'Bearer SEC-13' },
    list: [{ token: 'SEC-14' }],
    endpoint: 'https://user:SEC-15@h.example/v1?key=SEC-16',
    judge_key_env: 'SEC-17 itself',
    api_keys: ['SEC-21'],
    secrets: { any: 'SEC-22' },
    pwd: 'SEC-23',
    user: 'sk-SEC-18-0123456789abcdef',
    key_1: 'two SEC-19 lines\nSEC-20',
  };

  it('are hidden by their names, however they are spelt, and by what they are', () => {
    const shown = redactSettings(SECRETS);
    expect(JSON.stringify(shown)).not.toContain('SEC');
    expect(Object.keys(shown)).toEqual(Object.keys(SECRETS));
    expect(shown.endpoint).toBe('https://***@h.example/v1?key=***');
  });

  it('that hold nothing secret stay', () => {
    const settings = {
      ...{
        max_tokens: 5,
        token_budget: 4096,
        stop_token_ids: [1, 2],
        eos_token: '</s>',
        answer_field: 'key',
      },
      ...{ api_key_env: 'EXAMPLE_KEY', judge_key_env: 'JUDGE_KEY', base_url: 'http://127.0.0.1:8000/v1' },
      ...{
        model: 'hf-internal-testing/tiny-random',
        seed: 0,
        stop: ['a'],
        nothing: null,
        design: 'x',
        top_k: 20,
      },
      ...{ system: 'Read https://h.example/?a=b first.', data: 'a/b.jsonl', author: 'me', api: 'chat' },
    };
    expect(redactSettings(settings)).toEqual(settings);
  });

  it('are masked wherever somebody repeats them', () => {
    const text = `${JSON.stringify(SECRETS)} ${secretsIn(SECRETS).map(encodeURIComponent).join(' ')}`;
    expect(maskSecrets(text, secretsIn(SECRETS))).not.toContain('SEC');
    expect(maskSecrets('nothing of it', secretsIn(SECRETS))).toBe('nothing of it');
    expect(maskSecrets('a b', ['', 'a'])).toBe('a b');
  });
});
