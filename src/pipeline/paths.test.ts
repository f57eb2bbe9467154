import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refusalOf } from '../../test/support/refusal.js';
import { readRecipe } from '../recipe/recipe.js';
import { pathSettings } from './paths.js';
import { parsePipeline } from './pipeline.js';
import { stageKinds, type StageKind } from './stages/index.js';
import type { StageDefinition } from './stages/stage.js';
import { parseTrainRecipe } from './trainRecipe.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-paths-'));
const before = process.cwd();
const home = join(root, 'here');
const recipes = join(root, 'there/recipes');
beforeEach(() => {
  mkdirSync(home, { recursive: true });
  mkdirSync(recipes, { recursive: true });
  process.chdir(home);
});
afterEach(() => {
  process.chdir(before);
  rmSync(home, { recursive: true });
  rmSync(join(root, 'there'), { recursive: true });
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** Makes files, and directories of models where the name ends in a slash. */
function make(...paths: string[]): void {
  for (const path of paths) {
    const whole = join(root, path);
    mkdirSync(path.endsWith('/') ? whole : join(whole, '..'), { recursive: true });
    writeFileSync(path.endsWith('/') ? join(whole, 'config.json') : whole, '{}');
  }
}
const recipe = (text: string, name = 'line.yaml'): string => {
  const path = join(recipes, name);
  writeFileSync(path, text);
  return path;
};
const read = (path: string, ...settings: string[]) => {
  const found = readRecipe(path, settings);
  return parsePipeline(found.value, found.name, found);
};

describe('the files that a recipe names', () => {
  const doctor = (data: string, model = '../m') =>
    `out: runs/x\nstages:\n  - name: look\n    stage: doctor\n    data: ${data}\n    model: ${model}\n`;
  const pathsOf = (path: string) => read(path).stages[0]!.config as { data: string; model: string };

  it('count from the current folder, and where nothing is there from that of the recipe', () => {
    make('here/own.jsonl', 'there/recipes/beside.jsonl', 'there/m/');
    const model = join(root, 'there/m');
    expect(pathsOf(recipe(doctor('own.jsonl')))).toMatchObject({ data: 'own.jsonl', model });
    expect(pathsOf(recipe(doctor('beside.jsonl')))).toMatchObject({
      data: join(recipes, 'beside.jsonl'),
      model,
    });
    const whole = join(root, 'here/own.jsonl');
    expect(pathsOf(recipe(doctor(whole)))).toMatchObject({ data: whole });
  });

  it('are a prompt file, and what that demonstrates, as well', () => {
    make('there/recipes/p.jsonl', 'there/m/', 'there/shots/s.jsonl');
    const collecting = (prompt: string) =>
      recipe(
        `out: runs/x\nstages:\n  - { name: ask, stage: collect, data: p.jsonl, model: ../m, prompt: ${prompt} }\n`,
      );
    writeFileSync(
      join(recipes, 'p.yaml'),
      'user: x\ndemonstrations: { data: ../shots/s.jsonl, count: 1, assistant: y }\n',
    );
    const stage = read(collecting('p.yaml')).stages[0]!;
    expect(stage.config).toMatchObject({ prompt: join(recipes, 'p.yaml') });
    const { inputs } = stageKinds.collect as StageDefinition<unknown, unknown>;
    expect(inputs(stage.config)).toEqual(
      expect.arrayContaining([join(recipes, 'p.yaml'), join(root, 'there/shots/s.jsonl')]),
    );
    expect(refusalOf(() => read(collecting('gone.yaml')))).toMatch(/"prompt": there is no gone\.yaml, nor /);
  });

  it('are refused where both folders have one, unless they are the same', () => {
    make('here/d.jsonl', 'there/recipes/d.jsonl', 'there/m/');
    const path = recipe(doctor('d.jsonl'));
    expect(refusalOf(() => read(path))).toBe(
      `${path}, line 5, stage look: "data": there are ${home}/d.jsonl and ${recipes}/d.jsonl: write the whole path of the one that is meant`,
    );
    rmSync(join(recipes, 'd.jsonl'));
    linkSync(join(home, 'd.jsonl'), join(recipes, 'd.jsonl'));
    expect(pathsOf(path).data).toBe('d.jsonl');
  });

  it('are looked for before the first stage, all of them, and what stands in their place is said', () => {
    make('here/d.jsonl/', 'here/file', 'here/empty/x');
    const path = recipe(
      [
        'out: runs/x',
        'stages:',
        '  - { name: student, stage: get, model: ./nowhere.gguf }',
        '  - name: pairs',
        '    stage: curate',
        '    data: [gone.jsonl, d.jsonl]',
        '    model: file',
        '    decontaminate: [lost.json]',
        '  - { name: look, stage: doctor, data: "@pairs/pref.jsonl", model: empty, against: none.jsonl }',
        '  - name: table',
        '    stage: table',
        '    rows: [{ name: A, label: a, evaluation: old }, { name: B, label: b, evaluation: empty }]',
        '  - { name: later, stage: score, model: runs/x/sft/model, data: runs/x/pairs/sft.jsonl }',
      ].join('\n'),
    );
    expect(refusalOf(() => read(path)).split('\n')).toEqual([
      `${path}: 9 errors:`,
      `  line 3, stage student: "model": there is no ./nowhere.gguf, nor ${recipes}/nowhere.gguf`,
      `  line 6, stage pairs: "data.0": there is no gone.jsonl, nor ${recipes}/gone.jsonl`,
      '  line 6, stage pairs: "data.1": d.jsonl is a folder; name a file',
      '  line 7, stage pairs: "model": file is neither a model directory nor a .gguf file',
      `  line 8, stage pairs: "decontaminate.0": there is no lost.json, nor ${recipes}/lost.json`,
      expect.stringMatching(/^ {2}line 9, stage look: "model": empty is not a model directory/),
      `  line 9, stage look: "against": there is no none.jsonl, nor ${recipes}/none.jsonl`,
      expect.stringMatching(/^ {2}line 12, stage table: "rows\.0\.evaluation": there is no old, nor /),
      `  line 12, stage table: "rows.1.evaluation": empty is not an evaluation's folder: it has no samples.jsonl`,
    ]);
  });

  it('leave models behind endpoints, names on a hub and texts that look like paths alone', () => {
    make('here/d.jsonl');
    const lines = [
      'out: runs/x',
      'stages:',
      '  - { name: student, stage: get, model: owner/name }',
      '  - { name: a, stage: collect, data: d.jsonl, model: teacher, base_url: "http://127.0.0.1:1/v1", system: d.jsonl }',
    ];
    expect(read(recipe(lines.join('\n'))).stages[1]!.config).toMatchObject({
      model: 'teacher',
      system: 'd.jsonl',
    });
  });

  it('may be models that an earlier stage fetches', () => {
    make('here/d.jsonl');
    const lines = [
      'out: runs/x',
      'stages:',
      '  - { name: student, stage: get, model: nobody/fetched }',
      '  - { name: a, stage: score, data: d.jsonl, model: nobody/fetched }',
      '  - { name: b, stage: score, data: d.jsonl, model: nobody/else }',
    ];
    expect(refusalOf(() => read(recipe(lines.join('\n'))))).toMatch(
      /line 5, stage b: "model": .*nobody\/else/,
    );
  });

  it('say which assignment is wrong', () => {
    make('there/m/', 'there/recipes/d.jsonl');
    const path = recipe(doctor('d.jsonl'));
    expect(refusalOf(() => read(path, 'stages.look.data=e.jsonl'))).toBe(
      `${path}, --set stages.look.data=e.jsonl, stage look: "data": there is no e.jsonl, nor ${recipes}/e.jsonl`,
    );
  });

  it('are found for a recipe of one stage as well', () => {
    make('there/m/', 'there/recipes/d.jsonl');
    const text = 'model: ../m\ndata: d.jsonl\nout: runs/y\nobjective: sft\noptimizer: { lr: 1 }\n';
    expect(parseTrainRecipe(readRecipe(recipe(text)))).toMatchObject({
      ...{
        model: join(root, 'there/m'),
        data: join(recipes, 'd.jsonl'),
        out: 'runs/y',
        objective: { name: 'sft' },
      },
    });
    const path = recipe(text.replace('d.jsonl', 'e.jsonl'));
    expect(refusalOf(() => parseTrainRecipe(readRecipe(path)))).toBe(
      `${path}, line 2: "data": there is no e.jsonl, nor ${recipes}/e.jsonl`,
    );
  });
});

describe('pathSettings', () => {
  const settings: Record<StageKind, object> = {
    get: { model: './m' },
    collect: { data: 'd', model: 'm' },
    verify: { data: ['d', 'e'] },
    curate: { data: ['d', 'e'], model: 'm', decontaminate: ['f'] },
    rewards: { data: ['d', 'e'] },
    doctor: { data: 'd', model: 'm', against: ['f'] },
    score: { data: 'd', model: 'm' },
    columns: {
      data: 'd',
      model: 'm',
      as: 'c',
      read: 'contrast',
      contrast_with: 'n',
      tokenizer: 's',
      context: 'f',
    },
    train: { data: 'd', model: 'm', objective: { module: 'o.mjs' }, optimizer: { lr: 1 } },
    evaluate: { data: 'd', model: 'm', grader: ['verify', { module: 'g.mjs' }] },
    choose: { among: [{ name: 'a', label: 'a', model: 'm', evaluation: 'a' }] },
    table: { rows: [{ name: 'a', label: 'a', evaluation: 'a' }], against: ['a'] },
    compare: { before: 'a', after: ['b', 'c'], plan: 'p' },
  };

  it.each(Object.keys(settings) as StageKind[])('knows the key of everything that %s reads', (kind) => {
    const { schema, inputs } = stageKinds[kind] as StageDefinition<unknown, unknown>;
    const config = schema.parse(settings[kind]);
    const found = pathSettings({ kind, config }).map(({ path }) => path);
    expect(found.toSorted()).toEqual((kind === 'get' ? ['./m'] : inputs(config)).toSorted());
  });
});
