import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { collectRuns, sums } from '../../test/support/collectRuns.js';
import type { TeacherServer } from '../../test/support/teacherServer.js';
import { readProblemRows } from '../data/problems.js';
import { PromptFile, promptInputs } from './promptFile.js';
import { OtherRun } from './header.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-prompts-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let files = 0;
function write(text: string, name = `prompt-${++files}.yaml`): string {
  const path = join(root, name);
  writeFileSync(path, text);
  return path;
}
const jsonl = (rows: readonly object[], name: string) =>
  write(rows.map((row) => `${JSON.stringify(row)}\n`).join(''), name);

const { problemFile, run } = collectRuns();
const messagesOf = (server: TeacherServer) =>
  server.requests.map(({ body }) => body.messages as { role: string; content: string }[]);

describe('what an endpoint is sent', () => {
  it('is what the templates write of the row, which says the rest of its fields too', async () => {
    const prompt = write(
      [
        'system: You teach {{ subject | default("maths") }}.',
        'user: |-',
        '  {% for hint in hints %}- {{ hint }}',
        '  {% endfor %}Problem {{ number }}: {{ problem }}',
      ].join('\n'),
    );
    const problems = problemFile([
      { question: '1 + 0?', answer: '1', hints: ['add', 'look'], number: 7, subject: 'sums' },
      // Values of a row are no templates.
      { question: '{{ 1 + 1 }} + 0?', answer: '2', hints: [], number: 12345678901234567890n.toString() },
    ]);
    const { server, rows } = await run({
      problems,
      settings: { prompt, instruction: '', samples: 1, concurrency: 1 },
      endpoint: { concurrency: 1 },
    });
    expect(messagesOf(server)).toEqual([
      [
        { role: 'system', content: 'You teach sums.' },
        { role: 'user', content: '- add\n- look\nProblem 7: 1 + 0?' },
      ],
      [
        { role: 'system', content: 'You teach maths.' },
        { role: 'user', content: 'Problem 12345678901234567890: {{ 1 + 1 }} + 0?' },
      ],
    ]);
    const sha256 = createHash('sha256').update(readFileSync(prompt)).digest('hex');
    expect(rows[0]!.sampling).toEqual({
      ...{ api: 'chat', prompt: `sha256:${sha256}`, temperature: 0.6, top_p: 0.95, max_tokens: 100, seed: 5 },
    });
  });

  it('has demonstrations as earlier turns, and as text before it where the endpoint completes texts', async () => {
    jsonl(
      [
        { problem: 'A?', answer: 'so #### 1' },
        { problem: 'B?', answer: 2 },
        { problem: 'C?', answer: '3' },
      ],
      'shots.jsonl',
    );
    const prompt = write(
      `user: "Q: {{ problem }}\\nA:"
demonstrations:
  data: shots.jsonl
  count: 2
  assistant: " {{ gold }}.\\n\\n"
`,
    );
    // The second is a demonstration itself, but for its spelling.
    const problems = problemFile([
      { problem: '1 + 0?', answer: '1' },
      { problem: ' a? ', answer: '1' },
    ]);
    const settings = { prompt, instruction: '', samples: 1 };
    const { server } = await run({ problems, settings, endpoint: { concurrency: 1 } });
    const turns = (texts: readonly string[]) =>
      texts.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));
    expect(messagesOf(server)).toEqual([
      turns(['Q: A?\nA:', ' 1.\n', 'Q: B?\nA:', ' 2.\n', 'Q: 1 + 0?\nA:']),
      turns(['Q: B?\nA:', ' 2.\n', 'Q: C?\nA:', ' 3.\n', 'Q:  a? \nA:']),
    ]);
    const file = await PromptFile.open(prompt, problems, { api: 'completions' });
    const asked = [];
    for await (const row of readProblemRows(problems, () => undefined)) asked.push(file.ask(row).prompt);
    expect(asked).toEqual([
      'Q: A?\nA: 1.\nQ: B?\nA: 2.\nQ: 1 + 0?\nA:',
      'Q: B?\nA: 2.\nQ: C?\nA: 3.\nQ:  a? \nA:',
    ]);
    expect(promptInputs(prompt)).toEqual([prompt, join(root, 'shots.jsonl')]);
  });
});

it('comes with redistill: the files of prompts/ fit the word problems', async () => {
  const [prompts, data] = ['../../prompts/', '../../examples/word-problems/test.jsonl'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const lengths: Record<string, number> = { 'four-shot.yaml': 9, 'last-line.yaml': 2 };
  expect(readdirSync(prompts!).sort()).toEqual(Object.keys(lengths));
  for (const [name, length] of Object.entries(lengths)) {
    const file = await PromptFile.open(join(prompts!, name), data!, { api: 'chat' });
    let rows = 0;
    for await (const row of readProblemRows(data!, () => undefined)) {
      const { prompt } = file.ask(row);
      expect(prompt).toHaveLength(length);
      expect((prompt.at(-1) as { content: string }).content.startsWith(`${row.problem}\n`)).toBe(true);
      rows++;
    }
    expect(rows).toBe(1000);
  }
});

describe('demonstrations drawn by a seed', () => {
  const shots = Array.from({ length: 6 }, (_, i) => ({
    id: `s${i}`,
    problem: `What is ${i}?`,
    answer: `${i}`,
  }));
  jsonl(shots, 'drawn.jsonl');
  const drawn = async (seed: number, data: string) => {
    const path = write(
      `user: "{{ problem }}"\ndemonstrations: { data: drawn.jsonl, count: 3, seed: ${seed}, assistant: "{{ answer }}" }\n`,
    );
    const file = await PromptFile.open(path, data, { api: 'chat' });
    const all: string[][] = [];
    for await (const row of readProblemRows(data, () => undefined)) {
      const { prompt } = file.ask(row);
      if (typeof prompt !== 'string') all.push(prompt.slice(0, -1).map(({ content }) => content));
    }
    return all;
  };

  it('are three others, never the problem, each about as often as any other', async () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 200; seed++) {
      const lists = await drawn(seed, join(root, 'drawn.jsonl'));
      lists.forEach((list, own) => {
        const questions = list.filter((_, i) => i % 2 === 0);
        expect(new Set(questions).size).toBe(3);
        expect(questions).not.toContain(shots[own]!.problem);
        for (const [i, text] of questions.entries()) {
          expect(list[2 * i + 1]).toBe(/\d/.exec(text)![0]);
          const key = `${own} ${text}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      });
    }
    // 30 pairs, each in 3 of 5 draws of 200: mean 120, standard deviation 6.9.
    expect(counts.size).toBe(30);
    for (const count of counts.values()) expect(Math.abs(count - 120)).toBeLessThan(4.5 * 6.93);
  });

  it('are the same for a seed and a row, whatever other rows there are', async () => {
    const some = jsonl([shots[4]!, { id: 'new', problem: 'New?', answer: 'n' }], 'some.jsonl');
    const all = await drawn(3, join(root, 'drawn.jsonl'));
    const [fourth] = await drawn(3, some);
    expect(fourth).toEqual(all[4]);
    expect(await drawn(3, join(root, 'drawn.jsonl'))).toEqual(all);
    expect(await drawn(4, join(root, 'drawn.jsonl'))).not.toEqual(all);
  });
});

describe('a prompt file is refused', () => {
  const problems = jsonl(
    [
      { problem: 'One?', answer: '1' },
      { question: 'Two?', answer: '2', hint: 'h' },
    ],
    'p.jsonl',
  );
  const asking = async (text: string, use: Parameters<typeof PromptFile.open>[2] = { api: 'chat' }) => {
    const path = write(text, 'refused.yaml');
    const file = await PromptFile.open(path, problems, use);
    for await (const row of readProblemRows(problems, () => undefined)) file.rehearse(row);
  };
  mkdirSync(join(root, 'folder'));

  it.each([
    ['user: "{{ problem }"', /refused\.yaml, line 1: "user" is not a template: /],
    ['usr: x', /refused\.yaml, line 1: unknown key "usr"/],
    ['user: x\nfoo: 1', /line 2: unknown key "foo"/],
    ['system: x', /refused\.yaml: "user" is missing/],
    ['- user', /refused\.yaml: a recipe is keys and values/],
    ['user: [', /refused\.yaml/],
    ['user: "{{ hint }}"', /p\.jsonl, line 1: "user" of \S+refused\.yaml: 'hint' is undefined/],
    [
      'user: "{% for x in hints %}{{ x }}{% endfor %}"',
      /p\.jsonl, line 1: "user" of \S+: 'hints' is undefined/,
    ],
    ['user: "{% if hint is defined %}{{ problem }}{% endif %}"', /p\.jsonl, line 1: .*writes an empty text/],
    ['user: x\nprefix: "{{ problem.x.y }}"', /p\.jsonl, line 1: "prefix" of /],
    ['user: "{% for a in range(9999999) %}{% endfor %}x"', /p\.jsonl, line 1: "user" of /],
    [
      'user: x\ndemonstrations:\n  data: none.jsonl\n  count: 1\n  assistant: y',
      /refused\.yaml, line 3: "demonstrations\.data" names \S+none\.jsonl, which does not exist/,
    ],
    [
      'user: x\ndemonstrations: { data: p.jsonl, count: 2, assistant: y }',
      /p\.jsonl, line 1: \S+p\.jsonl has 1 other problems, and 2 are to be demonstrated/,
    ],
    [
      'user: "{{ problem }}"\ndemonstrations: { data: p.jsonl, count: 1, assistant: "{{ hint }} {{ nothing }}" }',
      /p\.jsonl, line 2: "demonstrations\.assistant" of \S+: 'nothing' is undefined/,
    ],
    ['user: x\ndemonstrations: { data: p.jsonl, count: 0, assistant: y }', /count/],
    // Further questions are gone through before the first is asked and paid for.
    ['user: x\nturns: ["{{ response }}"]', /p\.jsonl, line 1: "turns\.0" of \S+: 'response' is undefined/],
    ['user: x\nturns: [Sure?, "{{ responses[2] }}"]', /p\.jsonl, line 1: "turns\.1" of \S+: /],
    ['user: x\nturns: [Sure?, "{{ hint }}"]', /p\.jsonl, line 1: "turns\.1" of \S+: 'hint' is undefined/],
    [
      'user: x\nturns: ["{{ responses[0] }}? ", " "]',
      /p\.jsonl, line 1: "turns\.1" of .*writes an empty text/,
    ],
  ])('%s', async (text, message) => {
    await expect(asking(text)).rejects.toThrow(message);
  });

  it('where it does not go together with the settings', async () => {
    await expect(asking('system: s\nuser: x', { api: 'completions' })).rejects.toThrow(
      /refused\.yaml, line 1: "system" is for chats/,
    );
    const path = write('user: x\nprefix: y');
    const settings = { prompt: path, instruction: '' };
    await expect(run({ settings })).rejects.toThrow(/line 2: "prefix" needs a model that runs here/);
    const plain = { prompt: write('user: x'), instruction: '' };
    await expect(run({ settings: { ...plain, system: 's' } })).rejects.toThrow(
      'Give "prompt" or "system", not both',
    );
    await expect(run({ settings: { ...plain, instruction: 'Think.' } })).rejects.toThrow(
      'Give "prompt" or "instruction", not both',
    );
    await expect(run({ settings: { prefix_field: 'f' } })).rejects.toThrow('need a model that runs here');
    await expect(run({ settings: { ...plain, prompt: join(root, 'folder') } })).rejects.toThrow(
      'it is a folder',
    );
  });

  it('where a further question cannot be written, before anything is asked', async () => {
    const prompt = write('user: "{{ problem }}"\nturns: ["Not {{ answers[0] }}?"]');
    const problems = problemFile(sums(2));
    const { server } = await run({ problems, settings: { instruction: '', samples: 1 } });
    const asked = server.requests.length;
    await expect(run({ problems, server, settings: { prompt, instruction: '' } })).rejects.toThrow(
      /line 1: "turns\.0" of \S+: 'answers' is undefined/,
    );
    expect(server.requests).toHaveLength(asked);
  });

  it('where it asks the same of problems that differ', async () => {
    const problems = problemFile(sums(3));
    const asking = (text: string) =>
      run({ problems, settings: { prompt: write(text), instruction: '', samples: 1 } });
    await expect(asking('user: "{ problem }"')).rejects.toThrow(
      /"user" asks the same of every problem \(\{ problem \}\): write \{\{ problem \}\}/,
    );
    await expect(asking('user: Solve it.\nsystem: Mind.')).rejects.toThrow('asks the same of every problem');
    await asking('user: Solve it.\nsystem: "{{ problem }}"');
    const one = problemFile(sums(1));
    await run({ problems: one, settings: { prompt: write('user: x'), instruction: '', samples: 1 } });
  });

  it('where it, or what it demonstrates, was changed before a run goes on', async () => {
    const shots = jsonl([{ problem: 'A?', answer: '1' }], 'changed.jsonl');
    const text =
      'user: "{{ problem }}"\ndemonstrations: { data: changed.jsonl, count: 1, assistant: "{{ gold }}" }\n';
    const prompt = write(text, 'changed.yaml');
    const problems = problemFile(sums(2));
    const settings = { prompt, instruction: '', samples: 1 };
    const { out, server } = await run({ problems, settings });
    const again = () => run({ problems, settings, out, server });
    await again();
    expect(server.requests).toHaveLength(2);
    write(`${text}# a remark\n`, 'changed.yaml');
    await expect(again()).rejects.toThrow(OtherRun);
    await expect(again()).rejects.toThrow(/prompt \("sha256:\w+… then, "sha256:\w+… now\)/);
    write(text, 'changed.yaml');
    writeFileSync(shots, '{"problem": "A?", "answer": "2"}\n');
    await expect(again()).rejects.toThrow(/with other settings: demonstrations \(/);
    expect(server.requests).toHaveLength(2);
  });
});
