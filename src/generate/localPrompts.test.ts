import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dyingAfter, Killed } from '../../test/support/dyingModel.js';
import { writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { collect } from '../teacher/collect.js';
import { collectSettings } from '../teacher/settings.js';
import { encodePrompt } from '../text/tokenRows.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { silentProgress } from '../util/progress.js';
import { localModel } from './localModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-local-prompts-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let folders = 0;
const newOut = () => join(root, `out-${++folders}`);

const model = writeTinyModel(join(root, 'model'));
const data = writeRows(
  join(root, 'problems.jsonl'),
  Array.from({ length: 12 }, (_, i) => ({
    problem: `${'x'.repeat((7 * i) % 30)}${i}?`,
    answer: `${i % 10}`,
  })),
);
const settingsOf = (keys: object) =>
  collectSettings.parse({ ...{ data, model, instruction: '', batch_size: 6, samples: 2 }, ...keys });
type Settings = ReturnType<typeof settingsOf>;

const verify = ({ gold, pred }: { gold: string; pred: string }) => {
  const correct = pred.includes(gold);
  return { correct, reason: correct ? 'equal' : 'different', stage: 'string', extracted: null };
};
const run = (settings: Settings, out: string, asked = localModel(settings)) =>
  collect({
    ...{ settings, out, model: asked, verify, progress: silentProgress },
    signal: new AbortController().signal,
  });
const bytesOf = (out: string) => readFileSync(join(out, 'traces.jsonl'), 'utf8');

describe('a prompt file', () => {
  const shots = writeRows(join(root, 'shots.jsonl'), [
    { problem: 'a?', answer: 'b' },
    { problem: 'c?', answer: 'd' },
    { problem: 'e?', answer: 'f' },
  ]);
  const prompt = join(root, 'prompt.yaml');
  writeFileSync(
    prompt,
    `system: s
user: "Q {{ problem }}"
prefix: "{{ answer }} "
demonstrations: { data: ${shots}, count: 2, seed: 3, user: "D {{ problem }}", assistant: "{{ gold }}" }
`,
  );
  const keys = {
    prompt,
    dtype: 'f32',
    sampling: { temperature: 1, top_p: 0.9, max_tokens: 30, keep_tokens: true },
  };
  const rowsOf = (out: string) =>
    bytesOf(out)
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            problem: string;
            answer: string;
            generations: string[];
            generation_details: { prompt_ids: number[] }[];
          },
      );

  it('says what the model is given, and its prefix how the response begins', async () => {
    const out = newOut();
    await run(settingsOf(keys), out);
    const tokenizer = ChatTokenizer.load(model);
    const demonstrated = new Set<string>();
    for (const { problem, answer, generations, generation_details: details } of rowsOf(out)) {
      const pairs = [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ].flatMap((one, i, all) => all.filter((_, j) => j !== i).map((other) => [one, other]));
      const possible = await Promise.all(
        pairs.map((pair) =>
          encodePrompt(
            tokenizer,
            [
              { role: 'system', content: 's' },
              ...pair.flatMap(([question, reply]) => [
                { role: 'user', content: `D ${question}?` },
                { role: 'assistant', content: reply! },
              ]),
              { role: 'user', content: `Q ${problem}` },
            ],
            { forcedPrefix: `${answer} ` },
          ),
        ),
      );
      const ids = details.map(({ prompt_ids }) => prompt_ids.join());
      expect(possible.map((one) => one.join())).toContain(ids[0]);
      expect(new Set(ids).size).toBe(1);
      demonstrated.add(String(possible.findIndex((one) => one.join() === ids[0])));
      for (const text of generations) expect(text.startsWith(`${answer} `)).toBe(true);
    }
    expect(demonstrated.size).toBeGreaterThan(1);
  });

  it('leads to the bytes of an undisturbed run where the run was killed, and is noticed where it has changed', async () => {
    const settings = settingsOf({ ...keys, dtype: 'bf16' });
    const undisturbed = newOut();
    await run(settings, undisturbed);
    const out = newOut();
    for (const after of [3, 7, 5])
      await expect(run(settings, out, dyingAfter(after, localModel(settings)))).rejects.toThrow(Killed);
    await run(settings, out);
    expect(bytesOf(out)).toBe(bytesOf(undisturbed));
    writeFileSync(prompt, readFileSync(prompt, 'utf8').replace('Q ', 'Question '));
    await expect(run(settings, out)).rejects.toThrow(/was begun with other settings: prompt \(/);
  });
});

describe('further questions', () => {
  const prompt = join(root, 'turns.yaml');
  writeFileSync(
    prompt,
    'user: "{{ problem }}"\nturns: ["Sure? {{ responses | length }}", "Why {{ responses[0] | length }}?"]\n',
  );
  const sampling = { temperature: 1, top_p: 0.9, max_tokens: 9, keep_tokens: true };
  const told = (out: string) =>
    bytesOf(out)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Told);
  interface Turn {
    text: string;
    prompt_ids: number[];
  }
  interface Told {
    problem: string;
    generations: string[];
    generation_details: (Turn & { earlier_turns: Turn[] })[];
  }

  it('follow all that was said', async () => {
    const out = newOut();
    await run(settingsOf({ prompt, sampling, dtype: 'f32', count: 4 }), out);
    const tokenizer = ChatTokenizer.load(model);
    for (const { problem, generations, generation_details: details } of told(out))
      for (const [i, { prompt_ids: ids, earlier_turns: earlier }] of details.entries()) {
        const [first, second] = earlier.map(({ text }) => text);
        const said = [...[problem, first!, 'Sure? 1', second!], `Why ${Array.from(first!).length}?`].map(
          (content, turn) => ({ role: turn % 2 === 0 ? 'user' : 'assistant', content }),
        );
        expect(earlier).toHaveLength(2);
        expect(generations[i]).toBeTypeOf('string');
        for (const [asked, given] of [...earlier.map((turn) => turn.prompt_ids), ids].entries())
          expect(given).toEqual([...(await encodePrompt(tokenizer, said.slice(0, 2 * asked + 1)))]);
      }
  });

  it.each([{ samples: 2 }, { samples: 1, until_right: 3 }])(
    'lead to the bytes of an undisturbed run where the run was killed: %j',
    async (keys) => {
      const settings = settingsOf({ prompt, sampling, ...keys });
      const undisturbed = newOut();
      await run(settings, undisturbed);
      const out = newOut();
      for (const after of [5, 17, 11])
        await expect(run(settings, out, dyingAfter(after, localModel(settings)))).rejects.toThrow(Killed);
      await run(settings, out);
      expect(bytesOf(out)).toBe(bytesOf(undisturbed));
    },
  );
});

describe('a prefix of the row', () => {
  it('begins its responses', async () => {
    const prefixed = writeRows(join(root, 'prefixed.jsonl'), [
      { problem: 'x?', answer: '1', begin: 'one' },
      { problem: 'x?', answer: '1', begin: '' },
      { problem: 'x?', answer: '1', begin: 'two words' },
    ]);
    const out = newOut();
    const keys = { data: prefixed, prefix_field: 'begin', samples: 1, instruction: 'I.', dtype: 'f32' };
    const sampling = { temperature: 0, max_tokens: 5, keep_tokens: true };
    await run(settingsOf({ ...keys, sampling }), out);
    const rows = bytesOf(out)
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            begin: string;
            generations: string[];
            generation_details: { prompt_ids: number[] }[];
          },
      );
    const tokenizer = ChatTokenizer.load(model);
    expect(rows.map(({ begin }) => begin)).toEqual(['one', '', 'two words']);
    for (const {
      begin,
      generations,
      generation_details: [detail],
    } of rows) {
      const ids = await encodePrompt(tokenizer, [{ role: 'user', content: 'I.\nx?' }], {
        forcedPrefix: begin,
      });
      expect(detail!.prompt_ids).toEqual([...ids]);
      for (const text of generations) expect(text.startsWith(begin)).toBe(true);
    }
    const lacking = writeRows(join(root, 'lacking.jsonl'), [{ problem: 'x?', answer: '1', begin: 3 }]);
    await expect(run(settingsOf({ ...keys, data: lacking }), newOut())).rejects.toThrow(
      `${lacking}, line 1: "begin", with which the response begins, must be a text`,
    );
    const both = { ...keys, sampling: { forced_prefix: 'x' } };
    await expect(run(settingsOf(both), newOut())).rejects.toThrow(
      'Give "prefix_field" or "forced_prefix", not both',
    );
  });
});
