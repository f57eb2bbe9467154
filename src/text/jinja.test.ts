import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { ChatTemplate, type RowMessage } from './template.js';

/** A template of ours and what transformers makes of it: see test/oracles/chat_templates.py. */
interface Case {
  name: string;
  template: string;
  messages: RowMessage[];
  tools?: unknown[];
  kwargs?: Record<string, unknown>;
  add_generation_prompt?: boolean;
  text?: string;
  spans?: [number, number][];
  error?: string;
}

const path = new URL('../../test/fixtures/text/jinja.json', import.meta.url);
const fixture = JSON.parse(readFileSync(path, 'utf8')) as { special: Record<string, string>; cases: Case[] };

function rendered({ template, messages, tools, kwargs, add_generation_prompt }: Case) {
  const options = { tools, kwargs, addGenerationPrompt: add_generation_prompt };
  return new ChatTemplate(template, 'x.jinja', fixture.special).renderMarked(messages, options);
}

describe('a template renders as in transformers', () => {
  const cases = fixture.cases.filter(({ error }) => error === undefined);

  it.each(cases.map((entry) => [entry.name, entry] as const))('%s', (_, entry) => {
    const { text, generated } = rendered(entry);
    expect(text).toBe(entry.text);
    expect(generated.map(({ start, end }) => [start, end])).toEqual(entry.spans);
  });
});

describe('a template is refused as in transformers', () => {
  const cases = fixture.cases.filter(({ error }) => error !== undefined);

  it.each(cases.map((entry) => [entry.name, entry] as const))('%s', (_, entry) => {
    expect(() => rendered(entry)).toThrow(UserError);
  });
});
