import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { EvaluateSettings } from '../evaluate/evaluate.js';
import {
  describeBenchmark,
  planBenchmark,
  problemsOfAverage,
  protocolsOf,
  type BenchmarkResult,
} from './benchmark.js';
import type { EvaluationResults } from '../evaluate/summary.js';
import { describeOverPrompts, overPrompts, withPrompts, type AskedOtherwise } from './prompts.js';
import { benchmarksPage } from './reference.js';
import { readTask, taskNames } from './tasks.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-benchmarks-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
for (const file of ['gsm8k', 'aime', 'amc', 'minerva', 'olympiad_bench'])
  writeFileSync(join(root, `${file}.json`), '[]');
const write = (name: string, text: string) => {
  writeFileSync(join(root, name), text);
  return join(root, name);
};
const model = root;
const settingsOf = (...[tasks, protocol, given]: [string[], 'redi' | 'greedy', Record<string, unknown>]) =>
  planBenchmark({
    ...{ model, protocol, given, out: join(root, 'out') },
    tasks: tasks.map((task) => readTask(task, root)),
  }).stages.map(({ config }) => config as EvaluateSettings);

it('the average of tasks that are all wrong has the interval of so many problems, not of so many tasks', () => {
  expect(problemsOfAverage([{ problems: 30 }, { problems: 30 }, { problems: 30 }])).toBeCloseTo(90, 9);
  expect(problemsOfAverage([{ problems: 10 }, { problems: 90 }])).toBeCloseTo(36, 9); // 4 / (1/10 + 1/90)
  const task = (name: string, problems: number) => ({
    ...{
      task: name,
      about: name,
      grader: 'verify',
      problems,
      samples: 1,
      responses: problems,
      by: {},
      disagreements: 0,
    },
    ...{
      cut_off: 0,
      mean_tokens: 1,
      graders: { verify: { pass_at_1: 0, standard_error: 0, unreadable: 0 } },
    },
  });
  const result: BenchmarkResult = {
    tasks: [task('one', 10), task('two', 90)],
    average: {
      ...{ tasks: 2, pass_at_1: 0, standard_error: 0 },
      problems: problemsOfAverage([{ problems: 10 }, { problems: 90 }]),
    },
  };
  // Wilson's upper limit at 0 of 36: z² / (36 + z²).
  const upper = (100 * 1.959963984540054 ** 2) / (36 + 1.959963984540054 ** 2);
  expect(describeBenchmark(result)).toContain(`0.0 (0.0 to ${upper.toFixed(1)})`);
});

describe('tasks', () => {
  it('that come with redistill are read, and are stages that can be run', () => {
    const all = taskNames();
    expect(all).toEqual(['aime24', 'amc23', 'gsm8k', 'math500', 'minerva', 'olympiadbench', 'svamp']);
    for (const settings of settingsOf(all, 'greedy', {})) expect(settings.sampling.temperature).toBe(0);
  });

  it('lie in a folder of the user where they do not come along', () => {
    expect(() => readTask('aime24')).toThrow('--task-data');
    expect(() => readTask('aime24', join(root, 'nothing'))).toThrow('has no aime.json');
    expect(readTask('aime24', root).settings.data).toBe(join(root, 'aime.json'));
  });

  it.each([
    ['math50', 'there is no task "math50" (the nearest'],
    ['./nothing.yaml', 'there is no task ./nothing.yaml'],
    [write('both.yaml', 'about: x\ndata: a\nfile: b\n'), 'needs "data" or "file", and not both'],
    [write('none.yaml', 'about: x\n'), 'needs "data" or "file"'],
    [
      write('key.yaml', 'about: x\ndata: aime.json\nanswr_field: a\n'),
      'key.yaml, line 3: unknown key "answr_field" (the nearest is "answer_field")',
    ],
    [write('by.yaml', 'about: x\ndata: aime.json\nby: level\n'), 'line 3: field "by": must be a list'],
    [
      write('deep.yaml', 'about: x\ndata: aime.json\nsampling:\n  top_p: 7\n'),
      'deep.yaml, line 4: field "sampling.top_p": must be a number above 0 and at most 1, not 7',
    ],
    [write('grader.yaml', 'about: x\ndata: aime.json\ngrader: mine\n'), 'line 3: field "grader": must be'],
    [write('module.yaml', 'about: x\ndata: aime.json\ngrader: { module: no.js }\n'), 'there is no '],
    [write('empty.yaml', ''), 'empty.yaml'],
    [root, 'it is a folder'],
    [write('gone.yaml', 'about: x\ndata: gone.json\n'), 'there is no '],
    [write('yaml.yaml', 'about: [\n'), 'yaml.yaml is not YAML: line '],
  ])('%s is refused', (task, message) => {
    expect(() => readTask(task, root)).toThrow(message);
  });

  it('take a prompt file in the place of an instruction, and the other way round', () => {
    const prompt = write('asked.yaml', 'user: x');
    const mine = write('asking.yaml', 'about: mine\ndata: aime.json\nprompt: asked.yaml\ngrader_field: by\n');
    expect(settingsOf([mine], 'greedy', {})[0]).toMatchObject({
      prompt,
      grader_field: 'by',
      instruction: '',
    });
    const [redi] = settingsOf([mine], 'redi', {});
    expect(redi!.prompt).toBe(undefined);
    expect(redi!.instruction).toContain('Solve the following');
    expect(settingsOf([mine], 'greedy', { system: 's' })[0]!.prompt).toBe(undefined);
    const [given] = settingsOf(['math500'], 'redi', { prompt });
    expect(given).toMatchObject({ prompt, instruction: '', samples: 16 });
    expect(() => readTask(write('lost.yaml', 'about: x\ndata: aime.json\nprompt: nowhere.yaml\n'))).toThrow(
      'there is no ',
    );
  });

  it('have the settings of their manifest, under those of the protocol and of the user', () => {
    const mine = write(
      'mine.yaml',
      'about: mine\ndata: aime.json\ngrader: hendrycks\ninstruction: Solve.\nsampling: { max_tokens: 7, top_k: 5 }\n',
    );
    const [own] = settingsOf([mine], 'greedy', {});
    expect(own).toMatchObject({ grader: ['hendrycks'], instruction: 'Solve.', sampling: { top_k: 5 } });
    // The protocol's length goes before the task's.
    expect(own!.sampling.max_tokens).toBe(2048);
    const [redi] = settingsOf([mine], 'redi', {});
    expect(redi).toMatchObject({ samples: 16, grader: ['rllm', 'verify'], sampling: { top_k: 5 } });
    const [given] = settingsOf([mine], 'redi', { grader: ['gsm8k'], sampling: { temperature: 1 }, count: 3 });
    expect(given).toMatchObject({ grader: ['gsm8k'], count: 3, sampling: { temperature: 1, top_p: 0.95 } });
  });

  it('say how responses are drawn where no protocol is named', () => {
    const data = write('own.jsonl', '{"problem": "a?", "answer": 1}\n');
    write('grader.js', 'export const grader = () => ({ correct: true, extracted: null });\n');
    const mine = write(
      'drawn.yaml',
      `about: mine\ndata: ${data}\nsamples: 4\nsampling: { temperature: 0.7, max_tokens: 7 }\ngrader: [verify, { module: grader.js }]\n`,
    );
    const planned = (given: object, protocol?: 'greedy') =>
      planBenchmark({
        model,
        protocol,
        given: { ...given },
        out: join(root, 'out'),
        tasks: [readTask(mine), readTask('svamp')],
      }).stages.map(({ config }) => config as EvaluateSettings);
    const [own, other] = planned({});
    expect(own).toMatchObject({ data, samples: 4, sampling: { temperature: 0.7, max_tokens: 7 } });
    expect(own!.grader).toEqual(['verify', { module: join(root, 'grader.js') }]);
    expect(other).toMatchObject({ samples: 1, sampling: { temperature: 0, max_tokens: 2048 } });
    expect(planned({ sampling: { max_tokens: 5 } })[0]).toMatchObject({
      samples: 4,
      sampling: { max_tokens: 5 },
    });
    expect(planned({}, 'greedy')[0]).toMatchObject({
      samples: 1,
      sampling: { temperature: 0, max_tokens: 2048 },
    });
  });

  it('follow the protocol of the REDI paper to the letter', () => {
    const [settings] = settingsOf(['math500'], 'redi', {});
    expect(settings).toMatchObject({
      samples: 16,
      sampling: { temperature: 0.6, top_p: 0.95, max_tokens: 30_720, forced_prefix: '<think>\n' },
    });
    expect(settings!.instruction).toContain('efficiently and clearly.  The last line');
    // An endpoint begins the thinking by its template.
    const [asked] = settingsOf(['math500'], 'redi', { base_url: 'http://127.0.0.1:1/v1' });
    expect(asked!.sampling.forced_prefix).toBeUndefined();
  });

  it('are drawn by the protocol of their manifest where none is named', () => {
    const mine = write('long.yaml', 'about: mine\ndata: aime.json\nprotocol: redi\nsamples: 2\n');
    const planned = (protocol?: 'greedy') =>
      planBenchmark({ model, protocol, given: {}, out: join(root, 'out'), tasks: [readTask(mine)] })
        .stages[0]!.config as EvaluateSettings;
    expect(planned()).toMatchObject({ samples: 2, sampling: { temperature: 0.6, max_tokens: 30_720 } });
    expect(planned('greedy')).toMatchObject({ samples: 1, sampling: { temperature: 0, max_tokens: 2048 } });
    const both = [readTask(mine), readTask('svamp')];
    const recorded = [protocolsOf(both), protocolsOf(both, 'redi'), protocolsOf(both.slice(0, 1))];
    expect(recorded).toEqual(['redi, greedy', 'redi', 'redi']);
    expect(() => readTask(write('odd.yaml', 'about: x\ndata: aime.json\nprotocol: red\n'))).toThrow(
      'odd.yaml, line 3: field "protocol": must be redi or greedy, not "red"',
    );
  });

  it('are asked with several prompts, each a row of its own', () => {
    const prompts = ['Plain.yaml', 'four_shot.yml'].map((name) => write(name, 'user: "{{ problem }}"'));
    const mine = write(
      'several.yaml',
      'about: mine\ndata: aime.json\nprompts: [Plain.yaml, four_shot.yml]\n',
    );
    const asked = withPrompts([readTask(mine), readTask('svamp')]);
    expect(asked.map(({ name, base }) => [name, base])).toEqual([
      ['several-plain', 'several'],
      ['several-four-shot', 'several'],
      ['svamp', undefined],
    ]);
    expect(asked.map(({ settings }) => settings.prompt)).toEqual([...prompts, undefined]);
    const all = withPrompts([readTask(mine), readTask('math500')], { prompts: [prompts[1]!] });
    expect(all.map(({ name, settings }) => [name, settings.prompt, settings.instruction])).toEqual([
      ['several-four-shot', prompts[1], undefined],
      ['math500-four-shot', prompts[1], undefined],
    ]);
    expect(() =>
      readTask(write('twice.yaml', 'about: x\ndata: aime.json\nprompt: a\nprompts: [b]\n')),
    ).toThrow('"prompts" say what is asked');
  });

  it('are asked with what goes before others: prompts of a flag, a protocol, prompts of the task', () => {
    const prompts = ['one.yaml', 'two.yaml'].map((name) => write(name, 'user: "{{ problem }}"'));
    const mine = readTask(write('sets.yaml', 'about: x\ndata: aime.json\nprompts: [one.yaml, two.yaml]\n'));
    const asked = (options: AskedOtherwise) =>
      planBenchmark({
        ...{ model, given: {}, out: join(root, 'out'), ...options },
        tasks: withPrompts([mine], options),
      }).stages.map(({ name, config }) => {
        const { prompt, instruction } = config as EvaluateSettings;
        return [name, prompt, instruction.slice(0, 5)];
      });
    const each = [
      ['sets-one', prompts[0], ''],
      ['sets-two', prompts[1], ''],
    ];
    for (const protocol of ['redi', 'greedy', undefined] as const) {
      expect(asked({ prompts, protocol })).toEqual(each);
      // Not the instruction of the protocol under the name of each prompt.
      expect(asked({ protocol })).toEqual(protocol === 'redi' ? [['sets', undefined, 'Solve']] : each);
    }
    expect(asked({ given: { instruction: 'Hello' } })).toEqual([['sets', undefined, 'Hello']]);
    expect(asked({ given: { prompt: prompts[1] } })).toEqual([['sets', prompts[1], '']]);
    for (const word of ['prompt', 'instruction', 'system'])
      expect(() => asked({ prompts, given: { [word]: 'x' } })).toThrow(
        `"prompts" say what is asked, so there is no "${word}" beside them`,
      );
    expect(() => asked({ prompts: [] })).toThrow('"prompts" names no file');
  });

  it('of one name are never taken for prompts of one task, nor prompts of one name for each other', () => {
    mkdirSync(join(root, 'else'), { recursive: true });
    const prompt = write('one.yaml', 'user: "{{ problem }}"');
    const other = write('else/ONE.yaml', 'user: "{{ problem }}"');
    const manifests = ['same.yaml', 'else/same.yaml'].map((name, i) => {
      const prompts = ['one.yaml', 'ONE.yaml'];
      write(name.replace('same.yaml', 'data.jsonl'), '');
      return readTask(write(name, `about: x\ndata: data.jsonl\nprompts: [${prompts[i]!}]\n`));
    });
    expect(() => withPrompts(manifests)).toThrow('there are two tasks named "same"');
    expect(() => withPrompts([readTask('svamp')], { prompts: [prompt, other] })).toThrow(
      `${prompt} and ${other} would both be the row svamp-one: give one of the files another name.`,
    );
    expect(() => withPrompts([readTask('svamp')], { prompts: [prompt, prompt] })).toThrow('is named twice');
  });

  it('name files and models that are counted from their manifest', () => {
    mkdirSync(join(root, 'beside', 'small'), { recursive: true });
    for (const name of ['rule.js', 'grader.js', 'ask.yaml', 'data.jsonl']) write(`beside/${name}`, '');
    const sampling = 'sampling: { rules: [repetition, { module: rule.js }], helper_model: small }';
    const lines = [
      'about: x',
      'data: data.jsonl',
      'prompt: ask.yaml',
      'grader: { module: grader.js }',
      sampling,
    ];
    const path = write('beside/files.yaml', `${lines.join('\n')}\n`);
    const beside = (name: string) => join(root, 'beside', name);
    expect(readTask(path).settings).toEqual({
      ...{ data: beside('data.jsonl'), prompt: beside('ask.yaml'), grader: { module: beside('grader.js') } },
      sampling: { rules: ['repetition', { module: beside('rule.js') }], helper_model: beside('small') },
    });
    const fetched = write(
      'beside/fetched.yaml',
      'about: x\ndata: data.jsonl\nsampling: { helper_model: smol }\n',
    );
    expect(readTask(fetched).settings.sampling).toEqual({ helper_model: 'smol' });
  });

  it('have one share over their prompts, in which a problem counts once', () => {
    const results = (rights: number[]) => ({
      graders: new Map([
        [
          'verify',
          {
            results: rights.map((correct, i) => ({ id: `p${i}`, correct, samples: 2 })),
            answered: [],
            unreadable: 0,
          },
        ],
      ]),
    });
    // Rates by problem over both prompts: 1, ½, ¼, 0; mean 7/16, Σ(x − x̄)² = 0.546875 over 3 · 4.
    const found = overPrompts('svamp', [
      results([2, 2, 1, 0]),
      results([2, 0, 0, 0]),
    ] as unknown as EvaluationResults[]);
    expect(found).toMatchObject({ prompts: 2, problems: 4, pass_at_1: 7 / 16, range: [1 / 4, 5 / 8] });
    expect(found.standard_error).toBeCloseTo(Math.sqrt(0.546875 / 12), 12);
    expect(describeOverPrompts(found)).toBe('svamp over 2 prompts: 43.8 ± 21.3, from 25.0 to 62.5 by prompt');
  });

  it('of one name are refused', () => {
    expect(() => settingsOf(['svamp', 'svamp'], 'greedy', {})).toThrow('two tasks named "svamp"');
  });

  it('stand in the documents', () => {
    expect(readFileSync(new URL('../../docs/benchmarks.md', import.meta.url), 'utf8')).toBe(benchmarksPage());
  });
});
