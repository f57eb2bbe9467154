import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { getModel } from './get.js';

const expected = JSON.parse(
  readFileSync(new URL('../../test/fixtures/gguf/smollm2-135m.json', import.meta.url), 'utf8'),
) as Record<string, string>;
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** JSON with sorted keys and without blanks. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${pairs.map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`).join(',')}}`;
}

describe('smollm2-135m is what transformers makes of the packaged GGUF file', () => {
  let path: string;
  beforeAll(async () => {
    ({ path } = await getModel('smollm2-135m'));
  });
  const read = (name: string): Buffer => readFileSync(join(path, name));

  it('weights, byte for byte', () => {
    expect(sha256(read('model.safetensors'))).toBe(expected['model.safetensors']);
  });

  it('tokenizer and chat template', () => {
    const tokenizer = JSON.parse(read('tokenizer.json').toString()) as unknown;
    expect(sha256(canonical(tokenizer))).toBe(expected['tokenizer.json']);
    expect(sha256(read('chat_template.jinja'))).toBe(expected['chat_template.jinja']);
  });

  it('keeps licence and notice, and is found again at once', async () => {
    expect(read('LICENSE').toString()).toContain('Apache License');
    expect(read('NOTICE').toString()).toContain('HuggingFaceTB/SmolLM2-135M-Instruct');
    const begin = performance.now();
    expect(await getModel('smollm2-135m', { offline: true })).toMatchObject({ path, didWork: false });
    expect(performance.now() - begin).toBeLessThan(1000);
  });
});
