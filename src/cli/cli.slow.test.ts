import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  contents,
  parseRows,
  readRows,
  redistill,
  turns,
  writeRows,
  writeTinyModel,
  type Finished,
} from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-cli-'));
const path = (...names: string[]) => join(root, ...names);
const tiny = path('tiny');
const messages = path('messages.jsonl');
const pairs = path('pairs.jsonl');
const prompts = path('prompts.jsonl');
const problems = path('problems.jsonl');

/** One row too long for the model's 128 positions. */
const long = { messages: turns('2+2?', 'x'.repeat(200)) };

beforeAll(() => {
  writeTinyModel(tiny);
  writeRows(messages, [{ messages: turns('2+2?', '4') }, { messages: turns('3+3?', 'it is 6') }]);
  writeRows(pairs, [
    { chosen: turns('2+2?', '4'), rejected: turns('2+2?', 'five') },
    { chosen: turns('3+3?', 'it is 6'), rejected: turns('3+3?', '7') },
    { prompt: 'a', chosen: ' b', rejected: ' c' },
  ]);
  writeRows(prompts, [{ problem: '2+2?' }, { prompt: 'a b c' }]);
  writeRows(problems, [
    { problem: '2+2?', answer: 4 },
    { question: '3+3?', answer: 'so #### 6' },
  ]);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

let files = 0;
/** Writes text, JSON lines or YAML to a file of its own. */
const file = (ending: string, text: string): string => {
  const written = path(`file-${++files}.${ending}`);
  writeFileSync(written, text);
  return written;
};
const rows = (list: readonly object[]): string => writeRows(path(`rows-${++files}.jsonl`), list);
const recipe = (keys: object): string =>
  file('yaml', toYaml({ model: tiny, data: messages, dtype: 'f32', max_steps: 2, ...trainKeys, ...keys }));
const trainKeys = { objective: { name: 'sft' }, optimizer: { lr: 1e-3 }, batch_size: 2 };
const pipeline = (keys: object): string => file('yaml', toYaml({ out: path(`run-${++files}`), ...keys }));

function expectDone({ code, stderr }: Finished): void {
  expect(code, stderr).toBe(0);
  expect(stderr).not.toContain('error');
}

/** One sentence on standard error, as the last line, and nothing on standard output. */
function expectError({ code, signal, stdout, stderr }: Finished, exit: number, ...parts: string[]): void {
  expect({ code, signal, stdout }, stderr).toEqual({ code: exit, signal: null, stdout: '' });
  const lines = stderr.trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('error: '))).toEqual([lines.at(-1)]);
  for (const part of parts) expect(lines.at(-1)).toContain(part);
}

const score = (data: string, ...more: string[]) => [...['score', '--model', tiny, '--data', data], ...more];
const generate = (from: string, ...more: string[]) => [
  ...['generate', '--model', tiny, '--dtype', 'f32', '--max-new-tokens', '8', '--prompts', from],
  ...more,
];
const evaluate = (data: string, ...more: string[]) => [
  ...['evaluate', '--model', tiny, '--dtype', 'f32', '--max-new-tokens', '8', '--data', data],
  ...more,
];

describe.concurrent('--help', () => {
  it.each(['setup', 'models get', 'models inspect', 'score', 'train', 'generate', 'evaluate', 'run'])(
    'of %s has an example',
    async (command) => {
      const shown = await redistill([...command.split(' '), '--help']);
      expectDone(shown);
      expect(shown.stdout).toContain(`Usage: redistill ${command}`);
      expect(shown.stdout).toContain(`Example:\n  redistill ${command}`);
    },
  );
});

describe.concurrent('models', () => {
  it('inspect', async () => {
    const shown = await redistill(['models', 'inspect', tiny, '--json']);
    expectDone(shown);
    expect(JSON.parse(shown.stdout)).toMatchObject({ path: tiny, family: 'llama', parameters: 49_392 });
    const text = await redistill(['models', 'inspect', tiny]);
    expect(text.stdout).toContain('llama, 0.0 M parameters: 2 layers, hidden 48');
  });

  it('get uses a directory in place', async () => {
    const before = contents(tiny);
    const found = await redistill(['models', 'get', tiny]);
    expectDone(found);
    expect(found.stdout).toBe(`${tiny}\n`);
    expect(contents(tiny)).toEqual(before);
  });
});

interface Score {
  tokens: number;
  sum: number;
  mean: number;
  ids: number[];
  logps: number[];
}

describe.concurrent('score', () => {
  it('message rows in input order, with tokens', async () => {
    const scored = await redistill(score(messages, '--tokens'));
    expectDone(scored);
    const found = parseRows(scored.stdout) as unknown as Score[];
    expect(found.map(({ tokens }) => tokens)).toEqual([2, 8]); // a character is a token, and one ends the turn
    for (const { tokens, sum, mean, ids, logps } of found) {
      expect([ids.length, logps.length]).toEqual([tokens, tokens]);
      expect(logps.reduce((a, b) => a + b)).toBeCloseTo(sum, 9);
      expect(mean).toBeCloseTo(sum / tokens, 9);
      expect(Math.max(...logps)).toBeLessThan(0);
    }
  });

  it('preference rows into a file, as message rows are scored', async () => {
    const out = path('scores.jsonl');
    const scored = await redistill(score(pairs, '--out', out));
    expectDone(scored);
    expect(scored.stdout).toBe('');
    const found = readRows(out) as unknown as { chosen: Score; rejected: Score }[];
    expect(found.map(({ chosen, rejected }) => [chosen.tokens, rejected.tokens])).toEqual([
      [2, 5],
      [8, 2],
      [3, 3],
    ]);
    const alone = parseRows((await redistill(score(messages))).stdout) as unknown as Score[];
    expect(found[0]!.chosen.sum).toBeCloseTo(alone[0]!.sum, 4);
    expect(found[1]!.chosen.sum).toBeCloseTo(alone[1]!.sum, 4);
  });
});

describe.concurrent('generate and evaluate', () => {
  it('generate gives samples in order, the same for the same seed', async () => {
    const flags = ['--samples', '2', '--temperature', '1', '--seed'];
    const [first, again, other] = await Promise.all([
      redistill(generate(prompts, ...flags, '3')),
      redistill(generate(prompts, ...flags, '3')),
      redistill(generate(prompts, ...flags, '4')),
    ]);
    expectDone(first);
    const found = parseRows(first.stdout);
    expect(found.map(({ prompt, sample }) => [prompt, sample])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
    for (const row of found) {
      expect(row.tokens).toSatisfy((tokens: number) => tokens >= 1 && tokens <= 8);
      expect(['stop', 'length']).toContain(row.finish_reason);
    }
    expect(again.stdout).toBe(first.stdout);
    expect(other.stdout).not.toBe(first.stdout);
  });

  it('evaluate gives a summary and writes the answers', async () => {
    const out = path('evaluation');
    const done = await redistill(evaluate(problems, '--json', '--out', out));
    expectDone(done);
    const summary = JSON.parse(done.stdout) as Record<string, number>;
    expect(summary).toMatchObject({ problems: 2, samples: 2 });
    expect(summary.passAt1).toBeGreaterThanOrEqual(0);
    expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))).toEqual(summary);
    expect(readRows(join(out, 'samples.jsonl')).map(({ answer }) => answer)).toEqual(['4', '6']);
  });
});

describe.concurrent('train', () => {
  const names = ['step', 'epoch', 'loss', 'grad_norm', 'learning_rate', 'num_tokens'];
  const rewards = ['chosen', 'rejected', 'accuracies', 'margins'].map((name) => `rewards/${name}`);
  const logps = ['logps/chosen', 'logps/rejected'];

  it.each([
    ['sft', messages, []],
    ['redi', pairs, logps],
    ['dpo', pairs, [...rewards, ...logps]],
  ])('%s writes metrics and a model, the same for the same seed', async (name, data, more) => {
    const outs = [path(name, 'a'), path(name, 'b')];
    const done = await Promise.all(
      outs.map((out) => redistill(['train', recipe({ data, objective: { name }, max_steps: 3, out })])),
    );
    done.forEach(expectDone);
    const metrics = readRows(join(outs[0]!, 'metrics.jsonl'));
    expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3]);
    for (const line of metrics)
      expect(Object.keys(line)).toEqual(expect.arrayContaining([...names, ...more]));
    const loss = metrics[0]!.loss as number;
    if (name === 'dpo') expect(Math.abs(loss - Math.LN2)).toBeLessThan(1e-6);
    else expect(Number.isFinite(loss)).toBe(true);

    const model = join(outs[0]!, 'model');
    expect(done[0]!.stdout).toBe(`model: ${model}\n`);
    const [first, again] = outs.map((out) => contents(join(out, 'model')));
    expect(again).toEqual(first);
    expect(first!['model.safetensors']).not.toBe(contents(tiny)['model.safetensors']);
    expect(first!['tokenizer.json']).toBe(contents(tiny)['tokenizer.json']);
    expectDone(await redistill(['models', 'inspect', model]));
    const scored = await redistill(['score', '--model', model, '--data', messages]);
    expectDone(scored);
    expect(parseRows(scored.stdout)).toHaveLength(2);
  });

  it('leaves out rows that are too long, and counts them', async () => {
    const data = rows([{ messages: turns('2+2?', '4') }, long, { messages: turns('3+3?', '6') }]);
    const out = path('left-out');
    const done = await redistill(['train', recipe({ data, out })]);
    expectDone(done);
    expect(done.stderr).toContain('data: 2 rows');
    expect(done.stderr).toContain('left out as too long: 1 rows, lines 2 (');
    expect(readRows(join(out, 'metrics.jsonl'))).toHaveLength(2);
  });
});

describe.concurrent('run', () => {
  it('walks a pipeline, skips what is unchanged, and runs again what is asked for', async () => {
    const data = rows([
      { problem: '2+2?', answer: '4', generations: ['it is 4', 'it is 5'], correct: [true, false] },
      { problem: '3+3?', answer: '6', generations: ['no 7', 'yes 6'], correct: [false, true] },
    ]);
    const out = path('pipeline');
    const measure = {
      stage: 'evaluate',
      dtype: 'f32',
      problems: { file: problems },
      sampling: { max_new_tokens: 4 },
    };
    const yaml = pipeline({
      out,
      stages: [
        { name: 'student', stage: 'get', model: tiny },
        { name: 'teacher', stage: 'traces', data, model: '@student', max_tokens: 100 },
        {
          name: 'redi',
          stage: 'train',
          model: '@student',
          data: '@teacher/pref.jsonl',
          dtype: 'f32',
          max_steps: 2,
          ...trainKeys,
          objective: { name: 'redi' },
        },
        { name: 'before', model: '@student', ...measure },
        { name: 'after', model: '@redi', ...measure },
        {
          name: 'result',
          stage: 'table',
          rows: [
            { name: 'A', label: 'before', evaluation: '@before' },
            { name: 'B', label: 'after', evaluation: '@after' },
          ],
          against: ['A'],
        },
      ],
    });
    const names = ['student', 'teacher', 'redi', 'before', 'after', 'result'];
    const skipped = ({ stderr }: Finished) =>
      names.filter((name, i) => stderr.includes(`[${i + 1}/6] ${name}: unchanged, skipped`));
    const ran = ({ stderr }: Finished) =>
      names.filter((name, i) => stderr.includes(`[${i + 1}/6] ${name}: done in `));

    const first = await redistill(['run', yaml, '--json']);
    expectDone(first);
    expect(ran(first)).toEqual(names);
    expect(JSON.parse(first.stdout)).toMatchObject({
      student: join(out, 'student/model'),
      redi: join(out, 'redi/model'),
      result: join(out, 'result/table.txt'),
    });
    expect(readRows(join(out, 'teacher/pref.jsonl'))).toHaveLength(2);
    expect(readFileSync(join(out, 'result/table.txt'), 'utf8')).toContain('against A');

    const before = contents(out);
    const second = await redistill(['run', yaml]);
    expectDone(second);
    expect([skipped(second), ran(second)]).toEqual([names, []]);
    expect(contents(out)).toEqual(before);

    const from = await redistill(['run', yaml, '--from', 'before']);
    expectDone(from);
    expect([skipped(from), ran(from)]).toEqual([names.slice(0, 3), names.slice(3)]);

    const forced = await redistill(['run', yaml, '--force']);
    expectDone(forced);
    expect(ran(forced)).toEqual(names);
    expect(contents(join(out, 'redi'))['model/model.safetensors']).toBe(
      before['redi/model/model.safetensors'],
    );

    const wrong = await redistill(['run', yaml, '--from', 'nothing']);
    expectError(wrong, 2, 'no stage "nothing"', 'student, teacher');
  });
});

describe.concurrent('refuses paths that lead nowhere', () => {
  const nowhere = path('nowhere');
  it.each<[string, () => string[]]>([
    ['models inspect', () => ['models', 'inspect', nowhere]],
    ['models get', () => ['models', 'get', nowhere]],
    ['score: model', () => ['score', '--model', nowhere, '--data', messages]],
    ['score: data', () => score(nowhere)],
    ['generate: model', () => ['generate', '--model', nowhere, '--prompts', prompts]],
    ['generate: prompts', () => generate(nowhere)],
    ['evaluate: model', () => ['evaluate', '--model', nowhere, '--data', problems]],
    ['evaluate: data', () => evaluate(nowhere)],
    ['train: recipe', () => ['train', nowhere]],
    ['train: model', () => ['train', recipe({ model: nowhere, out: path('never') })]],
    ['train: data', () => ['train', recipe({ data: nowhere, out: path('never') })]],
    ['run: recipe', () => ['run', nowhere]],
    [
      'run: data',
      () => [
        'run',
        pipeline({ stages: [{ name: 'a', stage: 'traces', data: nowhere, model: tiny, max_tokens: 9 }] }),
      ],
    ],
    [
      'run: model of a get stage',
      () => ['run', pipeline({ stages: [{ name: 'a', stage: 'get', model: nowhere }] })],
    ],
  ])('%s', async (_, args) => {
    expectError(await redistill(args()), 2, nowhere);
    expect(existsSync(path('never'))).toBe(false);
  });

  it('a directory or a model without weights', async () => {
    expectError(await redistill(score(tiny)), 2, `${tiny} is a directory, not a JSON lines file`);
    expectError(await redistill(['train', tiny]), 2, `${tiny} cannot be read`);
    const bare = writeTinyModel(path('bare'));
    rmSync(join(bare, 'model.safetensors'));
    expectError(
      await redistill(['score', '--model', bare, '--data', messages]),
      2,
      'holds neither model.safetensors',
    );
    const mute = writeTinyModel(path('mute'));
    rmSync(join(mute, 'tokenizer.json'));
    expectError(await redistill(['score', '--model', mute, '--data', messages]), 2, 'tokenizer.json');
  });
});

describe.concurrent('refuses rows, naming file, line and field', () => {
  const good = { messages: turns('2+2?', '4') };
  it.each<[string, string, string]>([
    ['that are broken JSON', `${JSON.stringify(good)}\n{"messages": [`, 'not valid JSON'],
    [
      'without a field',
      `${JSON.stringify(good)}\n${JSON.stringify({ chosen: turns('a', 'b') })}`,
      'the field "rejected" is missing',
    ],
    [
      'with an empty response',
      `${JSON.stringify(good)}\n${JSON.stringify({ messages: turns('a', ' ') })}`,
      'the answer in "messages" is empty',
    ],
  ])('%s', async (_, text, sentence) => {
    const data = file('jsonl', text);
    const out = file('jsonl', 'kept\n');
    expectError(await redistill(score(data, '--out', out)), 2, `${data}, line 2: ${sentence}`);
    expect(readFileSync(out, 'utf8')).toBe('kept\n');
    const run = path(`refused-${++files}`);
    expectError(await redistill(['train', recipe({ data, out: run })]), 2, `${data}, line 2: ${sentence}`);
    expect(existsSync(run)).toBe(false);
  });

  it('of prompts and problems', async () => {
    const broken = file('jsonl', '{"problem": "a", "answer": 1}\n{"problem": ');
    const missing = file('jsonl', '{"problem": "a", "answer": 1}\n{"answer": 2}\n');
    const wordy = file('jsonl', '{"problem": "a", "answer": 1}\n{"problem": "b", "answer": "many"}\n');
    const out = file('jsonl', 'kept\n');
    for (const command of [generate, evaluate]) {
      expectError(await redistill(command(broken, '--out', out)), 2, `${broken}, line 2: not valid JSON`);
      expectError(await redistill(command(missing, '--out', out)), 2, `${missing}, line 2: the field "`);
    }
    expectError(await redistill(evaluate(wordy, '--out', out)), 2, `${wordy}, line 2: "answer" must be`);
    expect(readFileSync(out, 'utf8')).toBe('kept\n');
  });

  it('of traces', async () => {
    const data = rows([{ problem: 'a', answer: 1, generations: ['b'], correct: [] }]);
    const yaml = pipeline({ stages: [{ name: 'a', stage: 'traces', data, model: tiny, max_tokens: 9 }] });
    expectError(await redistill(['run', yaml]), 2, `${data}, line 1: "correct" must be a list of 1`);
  });

  it('that are longer than the model takes', async () => {
    const data = rows([good, long]);
    expectError(await redistill(score(data)), 2, `${data}, line 2: its `, "the model's 128 positions");
    const out = path('too-long');
    const all = rows([long, long]);
    const none = await redistill(['train', recipe({ data: all, out })]);
    expectError(none, 2, `${all}: all 2 rows are longer than max_length 128`);
    const short = await redistill(['train', recipe({ out, max_length: 5 })]);
    expectError(short, 2, 'all 2 rows are longer than max_length 5');
    expectError(await redistill(['train', recipe({ out, max_length: 500 })]), 2, 'max_length 500 is more');
    expect(existsSync(out)).toBe(false);
    const prompt = rows([{ prompt: 'x'.repeat(200) }]);
    expectError(await redistill(generate(prompt)), 2, 'prompt 1 has 200 tokens');
  });

  it('that the objective cannot use', async () => {
    const run = await redistill(['train', recipe({ objective: { name: 'dpo' }, out: path('no-pairs') })]);
    expectError(run, 2, messages, 'line 1');
    expect(existsSync(path('no-pairs'))).toBe(false);
  });
});

describe.concurrent('refuses damaged models and loses nothing', () => {
  /** Replaces the header of the weights; `lengthen` is added to its declared length. */
  function reheader(dir: string, edit: (text: string) => string, lengthen = 0n): void {
    const weights = join(dir, 'model.safetensors');
    const bytes = readFileSync(weights);
    const length = Number(bytes.readBigUInt64LE());
    const header = Buffer.from(edit(bytes.toString('utf8', 8, 8 + length)));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length) + lengthen);
    writeFileSync(weights, Buffer.concat([prefix, header, bytes.subarray(8 + length)]));
  }
  const edit = (dir: string, change: (header: Record<string, Entry>) => void): void => {
    reheader(dir, (text) => {
      const header = JSON.parse(text) as Record<string, Entry>;
      change(header);
      return JSON.stringify(header);
    });
  };
  /** What an earlier run left. */
  const trained = path('trained');
  beforeAll(async () => {
    expectDone(await redistill(['train', recipe({ out: trained })]));
  });
  interface Entry {
    dtype: string;
    shape: number[];
    data_offsets: [number, number];
  }
  /** The tensor at the end of the file. */
  const last = (header: Record<string, Entry>): Entry =>
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([, entry]) => entry)
      .reduce((a, b) => (b.data_offsets[1] > a.data_offsets[1] ? b : a));

  it.each<[string, (dir: string) => void, string]>([
    [
      'weights that are cut off',
      (dir) => {
        truncateSync(join(dir, 'model.safetensors'), 50_000);
      },
      'the download is incomplete',
    ],
    [
      'a header that is longer than the file',
      (dir) => {
        reheader(dir, (text) => text, 1_000_000n);
      },
      'but the file only',
    ],
    [
      'a header of an impossible length',
      (dir) => {
        reheader(dir, (text) => text, 1n << 60n);
      },
      'it is not a safetensors file',
    ],
    [
      'a tensor beyond the data',
      (dir) => {
        edit(dir, (header) => {
          const entry = last(header);
          entry.shape[0]! *= 2;
          entry.data_offsets[1] += entry.data_offsets[1] - entry.data_offsets[0];
        });
      },
      'header says',
    ],
    [
      'a shape that is not that of the bytes',
      (dir) => {
        edit(dir, (header) => {
          last(header).shape[0]! += 1;
        });
      },
      'but its data_offsets span',
    ],
    [
      "a shape that is not the configuration's",
      (dir) => {
        edit(dir, (header) => {
          header['lm_head.weight']!.shape = [48, 128];
        });
      },
      'tensor "lm_head.weight" has shape [48, 128], but config.json implies [128, 48]',
    ],
    [
      'an unknown family',
      (dir) => {
        const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as object;
        writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...config, model_type: 'mamba' }));
      },
      'model_type "mamba" is not supported',
    ],
  ])('%s', async (title, damage, sentence) => {
    const dir = writeTinyModel(path(`damaged ${title}`));
    damage(dir);
    const scores = file('jsonl', 'kept\n');
    const scored = await redistill(['score', '--model', dir, '--data', messages, '--out', scores]);
    expectError(scored, 2, sentence);
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');

    const out = path(`trained ${title}`);
    cpSync(trained, out, { recursive: true });
    const before = contents(out);
    expectError(await redistill(['train', recipe({ model: dir, out })]), 2, sentence);
    expect(contents(out)).toEqual(before);
  });

  it('a GGUF file with an unknown type of tensor', async () => {
    const bytes = readFileSync(
      fileURLToPath(new URL('../../test/fixtures/gguf/llama-smollm.gguf', import.meta.url)),
    );
    const name = 'blk.0.ffn_up.weight';
    const dims = bytes.indexOf(name) + name.length;
    bytes.writeUInt32LE(250, dims + 4 + 8 * bytes.readUInt32LE(dims));
    const gguf = path('odd.gguf');
    writeFileSync(gguf, bytes);
    const cache = path('odd-cache');
    const env = { XDG_CACHE_HOME: cache };
    expectError(await redistill(['models', 'get', gguf], { env }), 2, 'odd.gguf', name);
    const left = existsSync(cache) ? Object.keys(contents(cache)) : [];
    expect(left.filter((entry) => !entry.endsWith('.lock'))).toEqual([]);
    writeFileSync(gguf, 'GGUF?');
    expectError(await redistill(['models', 'get', gguf], { env }), 2, 'odd.gguf');
  });
});

describe.concurrent('refuses recipes', () => {
  const out = path('no-run');
  const train = (keys: object, ...settings: string[]) => [
    'train',
    recipe({ out, ...keys }),
    ...settings.flatMap((setting) => ['--set', setting]),
  ];
  const stage = { name: 'a', stage: 'get', model: tiny };
  const run = (stages: readonly object[], ...settings: string[]) => [
    'run',
    pipeline({ out, stages }),
    ...settings.flatMap((setting) => ['--set', setting]),
  ];
  const tuning = { stage: 'train', model: tiny, data: messages, max_steps: 1, ...trainKeys };

  it.each<[string, () => string[], string]>([
    ['train: unknown key', () => train({}, 'learning=1'), 'unknown key "learning"'],
    ['train: unknown inner key', () => train({}, 'optimizer.rate=1'), 'unknown key "optimizer.rate"'],
    ['train: unknown parameter of the objective', () => train({}, 'objective.alfa=1'), '"alfa"'],
    ['train: unknown objective', () => train({}, 'objective.name=ppo'), 'no objective "ppo"'],
    ['train: value out of range', () => train({}, 'optimizer.lr=-1'), 'field "optimizer.lr"'],
    [
      'train: parameter out of range',
      () => train({ data: pairs, objective: { name: 'redi' } }, 'objective.alpha=7'),
      'alpha must be a number from 0 to 1',
    ],
    ['train: text for a number', () => train({}, 'batch_size=many'), 'field "batch_size"'],
    ['train: no assignment', () => train({}, 'batch_size'), '--set batch_size: write key=value'],
    ['train: no key', () => train({}, '__proto__.a=1'), 'is not a key'],
    ['train: a key within a value', () => train({ seed: 1 }, 'seed.a=1'), '"seed" holds no keys'],
    ['train: broken YAML in --set', () => train({}, 'optimizer={lr: ['), '--set optimizer={lr: ['],
    ['train: missing field', () => train({ data: undefined }), 'field "data"'],
    ['train: both epochs and steps', () => train({ epochs: 1 }), 'give epochs or max_steps, not both'],
    ['train: broken YAML', () => ['train', file('yaml', 'model: [a\nb: {')], 'is not YAML'],
    ['train: a list', () => ['train', file('yaml', '- a\n')], 'a recipe is a list of keys and values'],
    ['train: unknown device', () => train({ device: 'tpu' }), 'device "tpu" is not known'],
    ['run: unknown key', () => run([stage], 'forced=1'), 'unknown key "forced"'],
    ['run: no stage of that name', () => run([stage], 'stages.other.model=x'), '"stages" has no "other"'],
    [
      'run: unknown key of a named stage',
      () => run([stage], `stages.${stage.name}.modell=x`),
      'unknown key "modell"',
    ],
    ['run: value out of range', () => run([stage], 'out=""'), 'field "out"'],
    ['run: broken YAML in --set', () => run([stage], 'out="'), '--set out="'],
    [
      'run: unknown key of a stage',
      () => run([{ ...stage, revision: 1 }]),
      'stage a: unknown key "revision"',
    ],
    [
      'run: unknown parameter of an objective, before any stage',
      () => run([stage, { ...tuning, name: 'b', objective: { name: 'redi', alfa: 1 } }]),
      'objective redi has no parameter "alfa"',
    ],
    ['run: broken YAML', () => ['run', file('yaml', 'out: "a\nstages:')], 'is not YAML'],
    ['run: no stages', () => run([]), 'field "stages"'],
    ['run: unknown kind', () => run([{ ...stage, stage: 'tune' }]), 'has kind "tune"; kinds are get, traces'],
    [
      'run: a kind that all objects have',
      () => run([{ ...stage, stage: 'toString' }]),
      'has kind "toString"',
    ],
    [
      'run: a reference to no stage',
      () => run([{ ...tuning, name: 'b', model: '@student' }]),
      'stage b: "@student" is no earlier stage',
    ],
    [
      'run: a reference to a later stage',
      () => run([{ ...tuning, name: 'b', model: '@a' }, stage]),
      '"@a" is no earlier stage',
    ],
    ['run: two stages of one name', () => run([stage, stage]), 'two stages named "a"'],
  ])('%s', async (_, args, sentence) => {
    expectError(await redistill(args()), 2, sentence);
    expect(existsSync(out)).toBe(false);
  });

  it.each<[string, () => string[], string]>([
    ['an unknown command', () => ['finetune'], "unknown command 'finetune'"],
    ['an unknown flag', () => score(messages, '--bogus'), "unknown option '--bogus'"],
    ['a missing flag', () => ['score', '--model', tiny], "required option '--data <file>' not specified"],
    ['a flag out of range', () => generate(prompts, '--top-p', '2'), 'must be a number from'],
    ['a choice that is none', () => score(messages, '--dtype', 'f8'), 'Allowed choices are f32, bf16'],
    ['samples that would all be greedy', () => generate(prompts, '--samples', '2'), 'set a temperature'],
  ])('%s on the command line', async (_, args, sentence) => {
    expectError(await redistill(args()), 2, sentence);
  });
});

describe.concurrent('training that diverges', () => {
  it('stops before the step with a NaN and keeps the last model', async () => {
    const out = path('diverged');
    expectDone(await redistill(['train', recipe({ out })]));
    const before = contents(join(out, 'model'));
    const settings = ['--set', 'optimizer.lr=1e30', '--set', 'max_steps=8'];
    const failed = await redistill(['train', recipe({ out }), ...settings]);
    expectError(
      failed,
      1,
      'step 3: the loss is ',
      'so training stopped before this update',
      'lr (now 1e+30)',
    );
    expect(contents(join(out, 'model'))).toEqual(before);
    const fresh = path('diverged-fresh');
    expectError(await redistill(['train', recipe({ out: fresh }), ...settings]), 1, 'no checkpoint had been');
    expect(Object.keys(contents(fresh)).sort()).toEqual(['metrics.jsonl', 'recipe.yaml']);
    for (const line of readRows(join(fresh, 'metrics.jsonl'))) expect(line.loss).toSatisfy(Number.isFinite);
  });
});

/** bf16 weights of zeros in a file that takes no space on disk. */
function writeSparseModel(dir: string, sizes: { vocab: number; intermediate: number }): string {
  const { vocab, intermediate } = sizes;
  writeTinyModel(dir, {
    vocab_size: vocab,
    intermediate_size: intermediate,
    num_hidden_layers: 1,
    tie_word_embeddings: true,
    max_position_embeddings: 100_000,
  });
  const layer = 'model.layers.0.';
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [vocab, 48],
    [`${layer}input_layernorm.weight`]: [48],
    [`${layer}mlp.down_proj.weight`]: [48, intermediate],
    [`${layer}mlp.gate_proj.weight`]: [intermediate, 48],
    [`${layer}mlp.up_proj.weight`]: [intermediate, 48],
    [`${layer}post_attention_layernorm.weight`]: [48],
    [`${layer}self_attn.k_proj.weight`]: [24, 48],
    [`${layer}self_attn.o_proj.weight`]: [48, 48],
    [`${layer}self_attn.q_proj.weight`]: [48, 48],
    [`${layer}self_attn.v_proj.weight`]: [24, 48],
    'model.norm.weight': [48],
  };
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += 2 * shape.reduce((a, b) => a * b);
    return [name, { dtype: 'BF16', shape, data_offsets: [begin, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  const weights = join(dir, 'model.safetensors');
  writeFileSync(weights, Buffer.concat([prefix, header]));
  truncateSync(weights, 8 + header.length + end);
  return dir;
}

describe.runIf(process.platform === 'linux').concurrent('out of memory', () => {
  const GiB = 2 ** 30;
  const fails = (args: string[], addressSpace: number) => redistill(args, { addressSpace });

  it('while a model is loaded', { timeout: 60_000 }, async () => {
    const model = writeSparseModel(path('huge'), { vocab: 100_000_000, intermediate: 80 });
    const scores = file('jsonl', 'kept\n');
    const limit = 15 * GiB; // more than the 9.6 GB of the file, less than that and 19.2 GB in f32
    const scored = await fails(['score', '--model', model, '--data', messages, '--out', scores], limit);
    expectError(scored, 1, 'out of memory: aten::');
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
    const generated = await fails(
      ['generate', '--model', model, '--dtype', 'f32', '--prompts', prompts, '--out', scores],
      limit,
    );
    expectError(generated, 1, 'out of memory: aten::');
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
    const out = path('huge-out');
    expectError(await fails(['train', recipe({ model, out })], limit), 1, 'out of memory: aten::');
    expect(existsSync(out)).toBe(false);
  });

  it('in the middle of the work', { timeout: 60_000 }, async () => {
    // 0.8 MB a token in the MLP alone
    const wide = writeSparseModel(path('wide'), { vocab: 128, intermediate: 200_000 });
    const data = rows(Array.from({ length: 200 }, () => ({ messages: turns('a', 'x'.repeat(100)) })));
    const limit = 8 * GiB;
    const scores = file('jsonl', 'kept\n');
    const scored = await fails(
      ['score', '--model', wide, '--data', data, '--token-budget', '100000', '--out', scores],
      limit,
    );
    expectError(scored, 1, 'out of memory: aten::');
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');

    const out = path('wide-out');
    const keys = { model: wide, data, out, batch_size: 200, token_budget: 100_000 };
    expectError(await fails(['train', recipe(keys)], limit), 1, 'lower token_budget (now 100000)');
    expect(existsSync(join(out, 'model'))).toBe(false);

    // 1.5 MB of keys and values an answer
    const patient = writeTinyModel(path('patient'), { max_position_embeddings: 100_000 });
    const prompt = rows([{ prompt: 'x'.repeat(90_000) }]);
    const many = ['--samples', '2000', '--batch-size', '2000', '--temperature', '1', '--dtype', 'f32'];
    const generated = await fails(
      ['generate', '--model', patient, '--prompts', prompt, ...many, '--out', scores],
      limit,
    );
    expectError(generated, 1, 'out of memory: aten::');
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
  });
});
