import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDone } from '../../test/support/tinyCommands.js';
import { parseRows, redistill, writeRows } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-cli-advise-'));
const path = (name: string) => join(root, name);
const traces = path('traces.jsonl');
const recipe = path('recipe.yaml');

beforeAll(() => {
  writeRows(traces, [
    {
      problem: '2+3?',
      answer: '5',
      generations: ['6, I think', '5', 'eleven', '7!'],
      correct: [false, true, false, false],
    },
    { problem: '7-4?', answer: '3', generations: ['3', '4'], correct: [true, false] },
    { problem: '6*7?', answer: '42', generations: ['48', '13'], correct: [false, false] },
  ]);
  const keys = { model: 'absent', data: 'absent.jsonl', out: 'runs/x', batch_size: 1, epochs: 4 };
  const training = { objective: { name: 'redi', alpha: 0.5 }, optimizer: { lr: 1e-4 } };
  writeFileSync(recipe, toYaml({ ...keys, ...training, schedule: { decay: 'constant', warmup_ratio: 0 } }));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

interface Printed {
  data: string[];
  statements: { topic: string; says: string[]; formula: string; values: Record<string, unknown> }[];
}
const valuesOf = ({ stdout }: { stdout: string }) => {
  const [{ statements }] = parseRows(stdout) as unknown as [Printed];
  return Object.fromEntries(statements.map(({ topic, values }) => [topic, values]));
};

describe.concurrent('advise', () => {
  it('says in words what the data say, with formulas', async () => {
    const done = await redistill(['advise', traces]);
    expectDone(done);
    expect(done.stdout).toContain('2 of 8 samples of 3 problems are right: p̂ = 25.0 %.');
    expect(done.stdout).toContain(
      '1 (33.3 %) of the problems have no right sample and 0 (0.0 %) no wrong one',
    );
    expect(done.stdout).toContain('α < p̂/(1 − p̂) = 0.333');
    expect(done.stdout).toContain('α = 0.8 is below that of pairs and not below that of all samples.');
    expect(done.stdout).not.toContain('learning rate');
  });

  it('--json prints the same as numbers, with a learning rate by flags', async () => {
    const flags = ['--alpha', '0.2', '--lr', '1e-3', '--batch-size', '1', '--max-steps', '10', '--json'];
    const done = await redistill(['advise', traces, ...flags]);
    expectDone(done);
    const values = valuesOf(done);
    expect(values['pass rate']).toEqual({
      ...{
        problems: 3,
        samples: 8,
        right: 2,
        pass_rate: 0.25,
        without_right: 1,
        without_wrong: 0,
        with_both: 2,
      },
    });
    expect(values.alpha).toMatchObject({ alpha: 0.2, bound_of_samples: 1 / 3, problems_beyond_own_bound: 0 });
    // Lengths: 1 beside 10, 6 and 2; 1 beside 1.
    expect(values.length).toMatchObject({
      unit: 'characters',
      right_length: 1,
      wrong_length: 3.5,
      wrong_longer: 0.75,
    });
    // A step at rate 0, then from the peak down by a ninth each.
    const sum = values['learning rate']!.sum_of_rates as number;
    expect(sum).toBeCloseTo((1e-3 * (9 + 8 + 7 + 6 + 5 + 4 + 3 + 2 + 1)) / 9, 12);
  });

  it('--recipe takes α, rate and steps from a recipe, whose model need not be there', async () => {
    const done = await redistill(['advise', traces, '--recipe', recipe, '--json']);
    expectDone(done);
    const values = valuesOf(done);
    expect(values.alpha).toMatchObject({ alpha: 0.5 });
    expect(values['learning rate']).toMatchObject({ steps: 8, peak: 1e-4 });
    expect(values['learning rate']!.sum_of_rates).toBeCloseTo(8e-4, 12);
  });

  it('reads pairs and rows of sequences', async () => {
    const prompt = [{ role: 'user', content: 'q' }];
    const says = (content: string) => [{ role: 'assistant', content }];
    const pairs = writeRows(path('pairs.jsonl'), [{ prompt, chosen: says('a'), rejected: says('bb') }]);
    const ofPairs = await redistill(['advise', pairs]);
    expectDone(ofPairs);
    expect(ofPairs.stdout).toContain('Pairs of a right and a wrong sample, 1 of them: p̂ = ½');
    const one = (reward: number, ids: number[]) => ({
      ...{ role: 'sample', prompt: { ids: [1] }, response: [{ ids }], scalars: { reward } },
    });
    const sequences = [one(1, [2]), one(-1, [2, 3, 4]), one(-1, [2, 3, 4])];
    const groups = writeRows(path('groups.jsonl'), [{ sequences }]);
    const ofGroups = await redistill(['advise', groups, '--json']);
    expectDone(ofGroups);
    expect(valuesOf(ofGroups).length).toMatchObject({ unit: 'tokens', right_length: 1, wrong_length: 3 });
  });

  it.each<[string, () => string[], string[]]>([
    ['no data', () => [], ['--data is missing']],
    ['no file', () => [path('absent.jsonl')], ['absent.jsonl does not exist']],
    ['α above 1', () => [traces, '--alpha', '2'], ["'--alpha <x>'", 'from -1 to 1']],
    [
      'α beside a recipe',
      () => [traces, '--recipe', recipe, '--alpha', '0.1'],
      ['--alpha stands in the recipe'],
    ],
    [
      'epochs and steps',
      () => [traces, '--epochs', '1', '--max-steps', '2'],
      ['--epochs or --max-steps, not both'],
    ],
    [
      'a pipeline',
      () => {
        writeFileSync(path('pipeline.yaml'), 'out: x\nstages: []\n');
        return [traces, '--recipe', path('pipeline.yaml')];
      },
      ['pipeline.yaml: this is a list of stages'],
    ],
    [
      'a recipe with a wrong key',
      () => {
        writeFileSync(path('wrong.yaml'), 'modle: x\n');
        return [traces, '--recipe', path('wrong.yaml')];
      },
      ['wrong.yaml'],
    ],
    [
      'rows without verdicts',
      () => [writeRows(path('unjudged.jsonl'), [{ problem: 'p', generations: ['a'], correctness: null }])],
      ['unjudged.jsonl, line 1: "correctness" lacks the verdicts of the rules'],
    ],
    [
      'rows of one response',
      () => [writeRows(path('messages.jsonl'), [{ messages: [] }])],
      ['messages.jsonl, line 1: not a row of traces'],
    ],
    [
      'blank responses',
      () => [
        writeRows(path('blank.jsonl'), [{ problem: 'p', answer: '1', generations: [' '], correct: [true] }]),
      ],
      ['blank.jsonl: all responses are blank'],
    ],
  ])('refuses with 2: %s', async (_, args, parts) => {
    const done = await redistill(['advise', ...args()]);
    expect(done, done.stderr).toMatchObject({ code: 2, stdout: '' });
    for (const part of parts) expect(done.stderr).toContain(part);
    if (!done.stderr.includes('errors:')) expectOneSentence(done.stderr);
  });
});

function expectOneSentence(stderr: string): void {
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
}
