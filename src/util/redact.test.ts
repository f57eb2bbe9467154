import { describe, expect, it } from 'vitest';
import { redactUrl, redactUrls } from './redact.js';

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
  ])('%j is shown as %j', (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
    expect(shown).not.toContain(SECRET);
  });
});

describe('redactUrls', () => {
  it('finds addresses in a text', () => {
    expect(
      redactUrls(
        'cannot send to "https://u:hunter2@a.example/x?key=hunter2": try http://b.example/ (port 1)',
      ),
    ).toBe('cannot send to "https://***@a.example/x?key=***": try http://b.example/ (port 1)');
    expect(redactUrls('a sentence without one: a@b')).toBe('a sentence without one: a@b');
  });
});
