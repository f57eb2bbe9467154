import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { refusalOf } from '../../test/support/refusal.js';
import { parsePipeline } from '../pipeline/pipeline.js';
import { stageKinds } from '../pipeline/stages/index.js';
import { trainRecipe } from '../train/settings.js';
import { describeKeys } from './describe.js';
import { foreignKeys } from './foreignKeys.js';
import { parseRecipe } from './parse.js';
import { readRecipe } from './recipe.js';
import { parseYaml } from './yaml.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-recipe-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let files = 0;
const file = (text: string | Uint8Array): string => {
  const path = join(root, `${++files}.yaml`);
  writeFileSync(path, text);
  return path;
};

describe('what is no recipe', () => {
  it.each<[string, string | Uint8Array, string]>([
    ['a large file', 'a: 1\n'.repeat(300_000), 'more than 1 MB'],
    ['many keys', Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'), 'words and signs'],
    ['deep brackets', '['.repeat(20_000), 'nested more than 50 levels deep'],
    ['a list in itself', 'a: &a [*a]\n', 'nested more than 50 levels deep'],
    ['UTF-16', Buffer.from('\ufeffa: 1\n', 'utf16le'), 'not a text in UTF-8'],
    ['two documents', 'a: 1\n---\nb: 1\n', 'line 2: a second document begins here; a recipe is one'],
    ['a tag', 'a: 1\nb: !!python/object:os.system x\n', 'without tags'],
    ['a tag that YAML has', 'a: !!set { x, y }\n', 'without tags'],
    ['an own tag', 'a: !mine 1\n', 'without tags'],
    ['a key that objects have', 'a: { __proto__: { b: 1 } }\n', 'line 1: "__proto__" cannot be a key'],
    ['another one', 'a: 1\nconstructor: 1\n', 'line 2: "constructor" cannot be a key'],
    ['a key that is a list', 'a: 1\n[1, 2]: 3\n', 'line 2: a key is a word'],
    ['a null character', 'a: "x\\0y"\n', 'line 1: a text cannot hold a null character'],
  ])('is refused in one sentence: %s', (_, text, expected) => {
    const path = file(text);
    const warnings: unknown[] = [];
    const note = (warning: unknown) => warnings.push(warning);
    process.on('warning', note);
    const said = refusalOf(() => readRecipe(path));
    process.off('warning', note);
    expect(said.startsWith(path), said).toBe(true);
    expect(said).toContain(expected);
    expect(said).not.toContain('\n');
    expect(warnings).toEqual([]);
  });

  it('is refused without being waited for: a device, a pipe that nobody fills', () => {
    expect(refusalOf(() => readRecipe('/dev/zero'))).toBe(
      "/dev/zero cannot be read: it is a device, not a recipe's file",
    );
    const pipe = join(root, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(refusalOf(() => readRecipe(pipe))).toBe(
      `${pipe} cannot be read: it is a named pipe, not a recipe's file`,
    );
  });

  it('never brings values of its own into the objects', () => {
    expect(Object.keys({})).toEqual([]);
    const { value } = parseYaml('toString: 1\nhasOwnProperty: 2\n', 'x');
    expect(value).toEqual(
      Object.fromEntries([
        ['toString', 1],
        ['hasOwnProperty', 2],
      ]),
    );
  });
});

describe('readRecipe', () => {
  const text = [
    'out: runs/x', // 1
    'base: &base', // 2
    '  data: d.jsonl', // 3
    '  sampling: { max_tokens: 4 }', // 4
    'stages:', // 5
    '  - name: a', // 6
    '    <<: *base', // 7
    '    optimizer: { lr: 1, eps: 2 }', // 8
    '  - { name: b, stage: get }', // 9
  ].join('\n');

  it('knows the line of every key, and of what is missing that of what it belongs to', () => {
    const { placeOf } = readRecipe(file(text));
    const lines: [PropertyKey[], string | undefined][] = [
      [['out'], 'line 1'],
      [['stages', 0], 'line 6'],
      [['stages', 0, 'name'], 'line 6'],
      [['stages', 0, 'data'], 'line 3'],
      [['stages', 0, 'sampling', 'max_tokens'], 'line 4'],
      [['stages', 0, 'optimizer', 'eps'], 'line 8'],
      [['stages', 0, 'optimizer', 'betas'], 'line 8'],
      [['stages', 1, 'model'], 'line 9'],
      [['model'], undefined],
      [[], undefined],
    ];
    for (const [key, line] of lines) expect(placeOf(key), key.join('.')).toBe(line);
  });

  it('knows what --set has brought, and how what stands beside it goes away', () => {
    const { placeOf, removalOf } = readRecipe(file(text), ['stages.a.optimizer.lr=2', '~stages.a.name']);
    const at = (...key: PropertyKey[]) => ['stages', 0, ...key];
    expect(placeOf(at('optimizer', 'lr'))).toBe('--set stages.a.optimizer.lr=2');
    expect(placeOf(at('optimizer', 'eps'))).toBe('line 8');
    expect(placeOf(at('name'))).toBe('--set ~stages.a.name');
    expect(removalOf(at('optimizer', 'lr'))).toBeUndefined();
    expect(readRecipe(file(text), ['stages.a.optimizer.lr=2']).removalOf(at('optimizer', 'eps'))).toBe(
      "--set '~stages.a.optimizer.eps'",
    );
    expect(readRecipe(file(text)).removalOf(at('optimizer', 'eps'))).toBeUndefined();
  });

  it('changes one stage where two share a part', () => {
    const shared = 'stages:\n  - { name: a, o: &o { lr: 1 } }\n  - { name: b, o: *o }\n';
    expect(readRecipe(file(shared), ['stages.b.o.lr=2']).value).toEqual({
      stages: [
        { name: 'a', o: { lr: 1 } },
        { name: 'b', o: { lr: 2 } },
      ],
    });
  });

  it('does not repeat what is secret in --set', () => {
    const path = file('out: o\nstages:\n  - { name: a, stage: collect, data: d, model: m }\n');
    for (const setting of [
      'stages.a.api_key=hunter2',
      'stages.a.data.auth.user=hunter2',
      'stages.a.api_key="hunter2',
      'stages.b.api_key=hunter2',
      'stages.a.url=http://u:hunter2@h.example/v1?key=hunter2',
    ]) {
      const said = refusalOf(() => {
        const recipe = readRecipe(path, [setting]);
        parsePipeline(recipe.value, recipe.name, recipe);
      });
      expect(said).toContain(`--set ${setting.split('=')[0]!}=`);
      expect(said).not.toContain('hunter2');
    }
  });

  it('has its files beside it, or in the current folder where it is piped', () => {
    const path = file('out: o\n');
    expect(readRecipe(path).folder).toBe(root);
    const descriptor = openSync(path, 'r');
    expect(readRecipe(`/dev/fd/${descriptor}`).folder).toBe('.');
    closeSync(descriptor);
  });

  it('takes a list of terms for an objective, and names the one that is wrong', () => {
    const list = (terms: string) => () => {
      const text = `model: m\ndata: d\nout: o\nobjective: ${terms}\noptimizer: { lr: 1 }\n`;
      const recipe = readRecipe(file(text));
      return parseRecipe(trainRecipe, recipe.value, 'r.yaml', recipe).objective;
    };
    expect(list('[sft, { name: kl, weight: 0.1, roles: [chosen] }]')()).toEqual({
      terms: [
        { name: 'sft', weight: 1 },
        { name: 'kl', weight: 0.1, roles: ['chosen'] },
      ],
    });
    expect(refusalOf(list('[sft, { name: dpo, bta: 1 }]'))).toMatch(
      /^r\.yaml, .*"objective\.terms\.1": objective dpo has no parameter "bta" \(the nearest is "beta"\)/,
    );
    expect(refusalOf(list('[]'))).toMatch(/^r\.yaml, .*objective\.terms/);
    expect(refusalOf(list('{ name: sft, terms: [{ name: sft }] }'))).toContain(
      'a list of terms stands alone',
    );
    expect(refusalOf(list('[{ weight: 1 }]'))).toMatch(/objective\.terms\.0\.name/);
    expect(refusalOf(list('[{ name: sft, weight: 0 }]'))).toMatch(
      /objective\.terms\.0\.weight.*must not be 0/,
    );
    for (const weight of ['1e300', '-1e7'])
      expect(refusalOf(list(`[{ name: sft, weight: ${weight} }]`))).toMatch(/objective\.terms\.0\.weight/);
    for (const roles of ['[chosen]', '[rejected]', '[sample]'])
      expect(refusalOf(list(`[sft, { name: redi, roles: ${roles} }]`))).toMatch(
        /"objective\.terms\.1": objective redi compares a chosen with a rejected response: its "roles" name both/,
      );
    for (const losses of ['{}', '{ robust: 0 }', '{ robust: 0, hinge: 0 }'])
      expect(refusalOf(list(`[{ name: dpo, losses: ${losses} }]`))).toContain(
        'losses must be a weight above 0 for one of sigmoid, hinge, ipo, robust',
      );
    expect(refusalOf(list('[{ name: sft, highest: 3 }]'))).toMatch(
      /"objective\.terms\.0\.highest": the highest numbers are those of a column, which "by" names/,
    );
  });

  it('says how an objective’s own parameters go away when it is exchanged', () => {
    const redi = 'model: m\ndata: d\nout: o\nobjective: { name: redi, alpha: 0.8 }\noptimizer: { lr: 1 }\n';
    const parse = (...settings: string[]) => {
      const recipe = readRecipe(file(redi), settings);
      return parseRecipe(trainRecipe, recipe.value, 'r.yaml', recipe);
    };
    expect(refusalOf(() => parse('objective.name=simpo'))).toMatch(
      /^r\.yaml, line 4: field "objective\.alpha": objective simpo has no parameter "alpha".*; --set '~objective\.alpha' takes it out$/,
    );
    expect(parse('objective.name=simpo', '~objective.alpha').objective).toEqual({ name: 'simpo' });
    expect(parse('objective=simpo').objective).toEqual({ name: 'simpo' });
  });

  it('reads the standard input, up to a bound', () => {
    const code = `import { readRecipe } from ${JSON.stringify(new URL('./recipe.ts', import.meta.url).href)};
      for (const path of process.argv.slice(1)) try { console.log(JSON.stringify(readRecipe(path).value)); } catch (error) { console.log(error.message); }`;
    const read = (input: string, path: string) =>
      spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code, path], {
        input,
        encoding: 'utf8',
      }).stdout.trim();
    expect(read('a: 1\n', '-')).toBe('{"a":1}');
    expect(read('a: 1\n'.repeat(300_000), '/dev/stdin')).toBe(
      'standard input has more than 1 MB, which is no recipe.',
    );
  });
});

describe('keys of other trainers', () => {
  const schemas: [string, z.ZodType][] = [
    ...Object.entries(stageKinds).map(([kind, { schema }]): [string, z.ZodType] => [kind, schema]),
    ['a recipe', trainRecipe],
  ];
  const known = new Set(
    schemas.flatMap(([, schema]) => describeKeys(schema).map(({ path }) => path.join('.'))),
  );

  it.each([...foreignKeys])(
    '%s means a key that there is, or says why there is none',
    (_, { keys, note }) => {
      for (const key of keys) expect(known).toContain(key);
      if (keys.length === 0) expect(note).toMatch(/\S/);
    },
  );

  it('name keys in their notes that there are', () => {
    for (const { note = '', elsewhere = '' } of foreignKeys.values())
      for (const [, key] of `${note} ${elsewhere}`.matchAll(/"([a-z_.]+)"/g))
        expect([...known, 'stages', 'evaluate', 'beta', 'gamma']).toContain(key);
  });

  const least = { model: 'm', data: 'd', out: 'o', objective: 'sft', optimizer: { lr: 1 } };
  it.each<[string, string]>([
    ['learning_rate', 'here it is "optimizer.lr"'],
    ['num_train_epochs', 'here it is "epochs"'],
    [
      'per_device_train_batch_size',
      'here it is "batch_size", which counts all rows, or pairs, of an optimizer step: per_device_train_batch_size × gradient_accumulation_steps × devices',
    ],
    ['gradient_accumulation_steps', 'here it is "batch_size"'],
    ['warmup_steps', 'here it is "schedule.warmup_ratio"'],
    ['lr_scheduler_type', 'here it is "schedule.decay"'],
    ['adam_beta2', 'here it is "optimizer.betas", the second of the two'],
    ['max_grad_norm', 'here it is "optimizer.clip_grad_norm"'],
    ['max_seq_length', 'here it is "max_length"'],
    ['bf16', 'here it is "dtype"'],
    ['gradient_checkpointing', 'here it is "recompute"'],
    ['output_dir', 'here it is "out"'],
    ['model_name_or_path', 'here it is "model"'],
    ['dataset_name', 'here it is "data"'],
    ['beta', 'here it is "objective", as a parameter'],
    ['loss_type', 'here it is "objective", by its name'],
    ['save_steps', 'here it is "save.every"'],
    ['save_total_limit', 'here it is "save.keep", and save.states limits the states to resume from'],
    ['eval_steps', 'here it is "evaluation.every", in steps; also development.every'],
    ['packing', 'rows are always packed'],
    ['use_peft', 'here it is "lora", without which all weights are trained'],
    ['lora_r', 'here it is "lora.rank"'],
    ['lora_dropout', 'adapters have no dropout'],
    ['lora_target_linear', 'here it is "lora.target_modules", all-linear'],
    ['Learning-Rate', 'here it is "optimizer.lr"'],
  ])('%s: %s', (key, hint) => {
    const said = refusalOf(() => parseRecipe(trainRecipe, { ...least, [key]: 1 }, 'r.yaml'));
    expect(said).toContain(`r.yaml: unknown key "${key}": ${hint}`);
  });

  it('know their names inside a part', () => {
    const said = refusalOf(() => parseRecipe(trainRecipe, { ...least, lora: { lora_alpha: 8 } }, 'r.yaml'));
    expect(said).toContain('unknown key "lora.lora_alpha": here it is "lora.alpha"');
  });

  it('stand for the key that would else be missing as well', () => {
    const keys = {
      model_name_or_path: 'm',
      dataset_name: 'd',
      output_dir: 'o',
      loss_type: 'sft',
      learning_rate: 1,
    };
    const lines = refusalOf(() => parseRecipe(trainRecipe, keys, 'r.yaml')).split('\n');
    expect(lines[0]).toBe('r.yaml: 5 errors:');
    expect(lines.filter((line) => line.includes('missing'))).toEqual([]);
  });
});
