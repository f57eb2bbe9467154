import { existsSync, cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { killedAt } from '../../test/support/killedAt.js';
import { expectDone, expectError, long, tinyCommands } from '../../test/support/tinyCommands.js';
import { contents, parseRows, readRows, redistill, turns } from '../../test/support/tinyModel.js';

const { path, tiny, messages, pairs, rows, recipe } = tinyCommands();

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

  it('leaves whole models, of before or of now, before whatever removal it is killed', async () => {
    const old = path('removing-old');
    const [before, now] = [recipe({}), recipe({ optimizer: { lr: 5e-3 } })];
    const again = (out: string) => ['train', now, '--set', `out=${out}`, '--set', 'save.every=1'];
    expectDone(await redistill(['train', before, '--set', `out=${old}`, '--set', 'save.every=1']));
    const fresh = path('removing-new');
    expectDone(await redistill(again(fresh)));
    const models = ['model', 'checkpoints/step-1'];
    let kills = 0;
    for (; ; kills++) {
      const out = path(`removing-${kills}`);
      cpSync(old, out, { recursive: true });
      const { signal } = await redistill(again(out), killedAt(kills, ['unlinkSync']));
      for (const model of models) {
        // A checkpoint of the earlier run goes when another begins.
        if (model !== 'model' && !existsSync(join(out, model))) continue;
        expect([contents(join(old, model)), contents(join(fresh, model))]).toContainEqual(
          contents(join(out, model)),
        );
      }
      if (signal !== 'SIGKILL') break;
      if (kills % 4 > 0) continue;
      const goesOn = existsSync(join(out, 'states/step-1'));
      expectDone(await redistill(goesOn ? ['train', '--resume', out] : again(out)));
      expect(readdirSync(out)).toEqual(readdirSync(fresh));
      for (const model of models) expect(contents(join(out, model))).toEqual(contents(join(fresh, model)));
    }
    expect(kills).toBeGreaterThan(6);
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

describe.concurrent('training that diverges', () => {
  it('skips steps without numbers, stops at the third in a row and keeps the last model', async () => {
    const out = path('diverged');
    expectDone(await redistill(['train', recipe({ out })]));
    const before = contents(join(out, 'model'));
    const settings = ['--set', 'optimizer.lr=1e30', '--set', 'max_steps=8'];
    const failed = await redistill(['train', recipe({ out }), ...settings]);
    expectError(
      failed,
      1,
      'step 5: the loss is ',
      '3 steps in a row were skipped for that, so training stopped',
      'lr (now 1e+30)',
    );
    expect(contents(join(out, 'model'))).toEqual(before);
    const fresh = path('diverged-fresh');
    expectError(await redistill(['train', recipe({ out: fresh }), ...settings]), 1, 'no checkpoint had been');
    expect(Object.keys(contents(fresh)).sort()).toEqual([
      'metrics.jsonl',
      'recipe.yaml',
      'redistill.json',
      'speed.jsonl',
    ]);
    // A step that was skipped has no gradient norm; the loss is that of the weights before.
    const skipped = readRows(join(fresh, 'metrics.jsonl')).map((line) => [line.step, line.skipped_steps]);
    expect(skipped).toEqual([
      [1, 0],
      [2, 0],
      [3, 1],
      [4, 2],
    ]);
  });
});
