import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import {
  checkRows,
  createObjective,
  objectiveDefinitions,
  objectiveNames,
  type ObjectiveSpec,
} from './index.js';

describe('createObjective', () => {
  it('prints the loss with its numbers', () => {
    const formulas = [
      { name: 'sft' },
      { name: 'redi' },
      { name: 'redi', alpha: 0.5 },
      { name: 'symmetric' },
      { name: 'simpo' },
      { name: 'dpo', beta: 0.001 },
    ].map((spec) => createObjective(spec).formula);
    expect(formulas).toEqual([
      '−logp(y), mean over response tokens',
      '−mean logp(y_w) + 0.8·mean logp(y_l), mean over pairs',
      '−mean logp(y_w) + 0.5·mean logp(y_l), mean over pairs',
      '−mean logp(y_w) + mean logp(y_l), mean over pairs',
      '−log σ(2·(mean logp(y_w) − mean logp(y_l)) − 1), mean over pairs',
      '−log σ(0.001·(log π(y_w)/π_ref(y_w) − log π(y_l)/π_ref(y_l))), mean over pairs',
    ]);
  });

  it('says what each needs', () => {
    const names = ['sft', 'redi', 'symmetric', 'simpo', 'dpo'];
    expect(objectiveNames.slice(0, names.length)).toEqual(names);
    const objectives = names.map((name) => createObjective({ name }));
    expect(objectiveNames.map((name) => createObjective({ name }).name)).toEqual(objectiveNames);
    expect(objectives.filter(({ data }) => data === 'messages').map(({ name }) => name)).toEqual(['sft']);
    const needing = objectives.filter(({ needs }) => needs.reference);
    expect(needing.map(({ name, needs }) => [name, needs.reference])).toEqual([['dpo', 'sequence']]);
    expect(objectives.filter((objective) => objective.weights !== undefined).map(({ name }) => name)).toEqual(
      ['sft', 'redi', 'symmetric'],
    );
  });

  it.each<[ObjectiveSpec, string | RegExp]>([
    [
      { name: 'reid' },
      `there is no objective "reid" (the nearest is "redi"); choose one of ${objectiveNames.join(', ')} (docs/recipes.md, section "Objectives").`,
    ],
    [
      { name: 'constructor' },
      /there is no objective "constructor" \(the nearest is "\w+"\); choose one of sft, redi, symmetric, simpo, dpo, /,
    ],
    [
      { name: 'redi', aplha: 0.8 },
      'objective redi has no parameter "aplha" (the nearest is "alpha"); it takes alpha, chosen, gamma, attached (docs/recipes.md, section "Objectives").',
    ],
    [
      { name: 'redi', alpha: 'x', beta: 1 },
      'objective redi has no parameter "beta" (the nearest is "alpha"); it takes alpha, chosen, gamma, attached (docs/recipes.md',
    ],
    [
      { name: 'sft', alpha: 1 },
      'objective sft has no parameter "alpha" (the nearest is "mean"); it takes mean (docs/recipes.md',
    ],
    [
      { name: 'simpo', gama: 1 },
      'objective simpo has no parameter "gama" (the nearest is "gamma"); it takes beta, gamma (docs/recipes.md',
    ],
    [{ name: 'redi', alpha: 8 }, 'objective redi: alpha must be a number from -1 to 1.'],
    [
      { name: 'redi', alpha: '0.8' },
      'objective redi: alpha must be a number from -1 to 1, not the text "0.8": leave out the quotes.',
    ],
    [{ name: 'redi', alpha: null }, 'objective redi: alpha must be a number from -1 to 1.'],
    [{ name: 'redi', alpha: NaN }, 'objective redi: alpha must be a number from -1 to 1.'],
    [{ name: 'sft', mean: 'row' }, 'objective sft: mean must be one of token, sequence.'],
    [{ name: 'dpo', losses: { ipoo: 1 } }, 'objective dpo: losses has no "ipoo".'],
    [{ name: 'dpo', losses: { ipo: -1 } }, 'objective dpo: losses.ipo must be a number from 0 to 1000000.'],
    [{ name: 'redi', gamma: 1, attached: 'yes' }, 'objective redi: attached must be true or false.'],
    [{ name: 'dpo', beta: 0 }, 'objective dpo: beta must be a number from 1e-9 to 1000000.'],
    [{ name: 'simpo', beta: Infinity }, 'objective simpo: beta must be a number from 1e-9 to 1000000.'],
    [{ name: 'dpo', beta: 1e308 }, 'objective dpo: beta must be a number from'],
    [{ name: 'simpo', gamma: 1e308 }, 'objective simpo: gamma must be a number from 0 to 1000000.'],
    [{ name: 'simpo', gamma: -1 }, 'objective simpo: gamma must be a number from 0 to 1000000.'],
  ])('refuses %j', (spec, message) => {
    const make = () => createObjective(spec);
    expect(make).toThrow(UserError);
    expect(make).toThrow(message);
  });
});

it('says of each what its gradient is, where it is from, when to use it and how it fails', () => {
  for (const { name, about } of objectiveDefinitions.values()) {
    expect(Object.keys(about)).toEqual(['gradient', 'source', 'use', 'fails']);
    expect(about.gradient).not.toBe('');
    expect(about.source).not.toBe('');
    expect(about.use).toMatch(/[^.]\.$/);
    expect(about.fails).toMatch(/^[A-Zαβγκλ].*[^.]\.$/);
    expect(createObjective({ name }).formula).not.toBe('');
  }
});

describe('checkRows', () => {
  const rows = [
    { kind: 'preference', line: 1 },
    { kind: 'messages', line: 3 },
  ] as const;

  it('refuses message rows for objectives of pairs, naming file and line', () => {
    for (const name of ['redi', 'symmetric', 'simpo', 'dpo']) {
      const check = () => {
        checkRows(createObjective({ name }), rows, 'pref.jsonl');
      };
      expect(check).toThrow(UserError);
      expect(check).toThrow(`pref.jsonl, line 3: objective ${name} `);
      expect(check).toThrow('this row has a single one');
    }
  });

  it('lets sft read both', () => {
    checkRows(createObjective({ name: 'sft' }), rows, 'pref.jsonl');
  });
});
