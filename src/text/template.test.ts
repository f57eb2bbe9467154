import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { parseJson } from '../util/exactJson.js';
import { ChatTemplate, type ChatMessage } from './template.js';

interface Fixture {
  special: Record<string, string>;
  templates: Record<string, string>;
  cases: { template: string; messages: ChatMessage[]; addGenerationPrompt: boolean; expected: string }[];
}

const path = new URL('../../test/fixtures/text/templates.json', import.meta.url);
const fixture = JSON.parse(readFileSync(path, 'utf8')) as Fixture;

describe.each(Object.entries(fixture.templates))('the template of %s', (name, source) => {
  const template = new ChatTemplate(source, name, fixture.special);
  const cases = fixture.cases.filter((entry) => entry.template === name);

  it.each(cases.map((entry, i) => [i, entry] as const))(
    'renders chat %i as transformers does',
    (_, entry) => {
      expect(template.render(entry.messages, { addGenerationPrompt: entry.addGenerationPrompt })).toBe(
        entry.expected,
      );
    },
  );
});

describe('a template', () => {
  it('sees the tools and the further variables of a row', () => {
    const source =
      '{{ tools is none }} {{ (tools or []) | length }} {{ enable_thinking is defined }} {{ enable_thinking }}';
    const template = new ChatTemplate(source, 'x', {});
    const messages = [{ role: 'user', content: 'a' }];
    expect(template.render(messages)).toMatch(/^True 0 False/);
    const inputs = { tools: [{ type: 'function' }], kwargs: { enable_thinking: 'low' } };
    expect(template.render(messages, inputs)).toBe('False 1 True low');
  });

  it('sees the floats of a row as floats and the ints as ints, as Python reads them', () => {
    const json =
      '[1, 1.0, -0, -0.0, 1e3, 2.50, 1e16, 9007199254740993, 9007199254740993.0, 12345678901234567890.0, 1e400]';
    // Expected values are what Jinja2 makes of json.loads's.
    const source = '{{ x }}\n{{ x | tojson }}\n{{ x | map("string") | join(" ") }} {{ x[1] is integer }}';
    const kwargs = parseJson(`{"x": ${json}}`) as Record<string, unknown>;
    expect(new ChatTemplate(source, 'x', {}).render([{ role: 'user', content: 'a' }], { kwargs })).toBe(
      [
        '[1, 1.0, 0, -0.0, 1000.0, 2.5, 1e+16, 9007199254740993, 9007199254740992.0, 1.2345678901234567e+19, inf]',
        '[1, 1.0, 0, -0.0, 1000.0, 2.5, 1e+16, 9007199254740993, 9007199254740992.0, 1.2345678901234567e+19, Infinity]',
        '1 1.0 0 -0.0 1000.0 2.5 1e+16 9007199254740993 9007199254740992.0 1.2345678901234567e+19 inf False',
      ].join('\n'),
    );
  });

  it('may refuse messages with its own words', () => {
    const template = new ChatTemplate(fixture.templates.gemma3!, 'gemma3', fixture.special);
    const twice = [
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
    ];
    expect(() => template.render(twice)).toThrow(/gemma3: .*roles must alternate/);
  });

  it('that cannot be parsed is an error of its file', () => {
    expect(() => new ChatTemplate('{% if %}', 'x/chat_template.jinja', {})).toThrow(UserError);
  });

  const user = { role: 'user', content: 'a' };
  const rendered = (source: string) => new ChatTemplate(source, 'x', {}).render([user]);

  // Expected values are Python's.
  it.each([
    [`{{ ' \n x \n '.strip('\\n') }}|`, ' \n x \n |'],
    [`{{ '\n\n  x\n'.lstrip('\\n') }}|`, '  x\n|'],
    [`{{ 'xyabcyx'.strip('xy') }}|{{ 'xyabcyx'.rstrip('xy') }}|`, 'abc|xyabc|'],
    [`{{ '𝄞a𝄞'.strip('𝄞') }}|{{ ' a '.strip() }}|{{ ' a '.lstrip(none) }}|`, 'a|a|a |'],
    [`{{ 'aaa'.strip('a').strip('b') }}|{% set s = 'ab'.split('b')[0].lstrip('x') %}{{ s }}`, '|a'],
  ])('strips the characters that it names: %s', (source, expected) => {
    expect(rendered(source)).toBe(expected);
  });

  it('knows the date in English', () => {
    const [long, short, number] = rendered(
      '{{ strftime_now("%B %d, %Y") }};{{ strftime_now("%b") }};{{ strftime_now("%-d") }}',
    ).split(';');
    const now = new Date();
    expect(new Date(long!).toDateString()).toBe(now.toDateString());
    expect(long!.startsWith(short!)).toBe(true);
    expect(Number(number)).toBe(now.getDate());
    expect(() => rendered('{{ strftime_now("%Q") }}')).toThrow(/does not know %Q/);
  });

  it.each([
    ['{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}', /too many steps/],
    ['{{ range(100001) }}', /longer than 100000/],
    [
      '{% set ns = namespace(s="x") %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}',
      /too much/,
    ],
    [
      '{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}',
      /too much/,
    ],
    ['x'.repeat(300_000), /more than 262144 characters/],
    ['('.repeat(100_000).replace(/^/, '{{'), /cannot be read/],
  ])('that has no end is stopped (%#)', (source, message) => {
    let error: unknown;
    try {
      rendered(source);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(message);
  });

  it('has no way to what is outside it', () => {
    const template = new ChatTemplate('{{ process }}{{ messages.constructor }}', 'x', {});
    expect(template.render([{ role: 'user', content: 'a' }])).not.toMatch(/function|\[object/);
  });
});
