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

describe('a template that has no end is stopped', () => {
  const repeat = (step: string, start = "'x' * 1000000") =>
    `{% set ns = namespace(a=${start}) %}{% for i in range(99999) %}${step}{% endfor %}`;
  const doubled = (kind: string) => repeat(`{% set ns.a = ${kind} %}`, '[1]');

  it.each([
    ['loops within loops', '{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}'],
    ['texts that double', repeat('{% set ns.a = ns.a ~ ns.a %}', "'xxxxxxxx'")],
    ['texts that double by +', repeat('{% set ns.a = ns.a + ns.a %}')],
    ['replacements that grow', repeat("{% set ns.a = ns.a.replace('', 'yy') %}", "'x'")],
    ['replacements of a long text', repeat("{% set ns.a = ns.a | replace('x', 'y') %}")],
    ['divisions of a long text', repeat("{% set b = ns.a.split('x') %}")],
    ['looks at a long text', repeat("{% set b = 'y' in ns.a %}")],
    ['looks for a long text', repeat("{% set b = ns.a[:1000] ~ 'y' in ns.a %}")],
    ['searches of a long text', repeat("{% set b = ns.a.find('y') %}")],
    ['lengths of a long text', repeat('{% set b = ns.a | length %}')],
    ['lists that double', doubled('ns.a + ns.a')],
    ['lists of lists that are written', `${doubled('[ns.a, ns.a]').replace('99999', '99')}{{ ns.a }}`],
    ['lists of lists as JSON', `${doubled('[ns.a, ns.a]').replace('99999', '99')}{{ ns.a | tojson }}`],
    ['powers', '{{ 9 ** 99999 }}'],
    ['squares', repeat('{% set ns.a = ns.a * ns.a %}', '9')],
    ['walks through a long list', repeat('{% set b = 2 in ns.a %}', '[1] * 1000000')],
    ['a wide text', "{{ 'x'.center(10 ** 9) }}"],
    ['a wide number', "{{ '%999999999d' % 1 }}{{ '{:999999999}'.format(1) }}"],
    ['a deep indentation', '{{ [1, [2]] | tojson(indent=10 ** 9) }}'],
    ['macros that call themselves', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}'],
    ['loops that call themselves', '{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}'],
    ['brackets', `{{ ${'['.repeat(5000)}`],
    ['a sum of 50,000 parts', `{{ ${'1 + '.repeat(50_000)}1 }}`],
    ['ifs', '{% if 1 %}'.repeat(5000)],
    ['much text', `{% for i in range(99999) %}${'x'.repeat(10_000)}{% endfor %}`],
  ])('%s', (_, template) => {
    const before = process.cpuUsage().user;
    const render = () => new ChatTemplate(template, 'x.jinja', {}).render([{ role: 'user', content: 'a' }]);
    expect(render).toThrow(/^x\.jinja: the chat template .*(too much|too many|too deep)/);
    // Microseconds of this process. It takes less than one second; a bound that does not hold takes minutes.
    expect(process.cpuUsage().user - before).toBeLessThan(20e6);
  });

  it('reads a thousand messages and spaces without end', () => {
    const messages = Array.from({ length: 1000 }, (_, i) => ({
      role: i % 2 ? 'assistant' : 'user',
      content: `${i} `.repeat(500),
    }));
    const template = `${' '.repeat(200_000)}{% for m in messages %}{{ m.content | trim }}{% endfor %}`;
    const text = new ChatTemplate(template, 'x', {}).render(messages);
    expect(text.trimStart()).toBe(messages.map(({ content }) => content.trim()).join(''));
  });
});

describe('the inputs of a template', () => {
  const template = new ChatTemplate('{{ messages[0].content }}', 'x.jinja', {});
  const user = { role: 'user', content: 'a' };

  it('are refused where transformers has no meaning for them', () => {
    expect(() => template.render([])).toThrow(/x\.jinja: .*there are none/);
    expect(() => template.render([user], { tools: ['weather'] })).toThrow(/"tools" must be an object/);
    for (const name of ['messages', 'tools', 'chat_template', 'add_generation_prompt', 'tokenize']) {
      expect(() => template.render([user], { kwargs: { [name]: 1 } })).toThrow(`cannot set "${name}"`);
    }
  });

  it('are refused where a part is not a text', () => {
    const parts = [{ type: 'image' }, { type: 'text', text: 'What is it?' }];
    expect(() => template.render([{ role: 'user', content: parts }])).toThrow(/"image" is not a text/);
  });

  it('reach nothing of JavaScript', () => {
    const source =
      "{{ messages.constructor }}{{ messages[0]['__proto__'] }}{{ ''.constructor }}{{ process }}{{ globalThis }}";
    expect(new ChatTemplate(source, 'x', {}).render([user])).toBe('');
  });
});
