/** @file What a run's numbers follow from: settings, inputs, build and machine; and how two runs differ in it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { z } from 'zod';
import { modelInput } from '../hub/resolve.js';
import { addonPath } from '../setup/record.js';
import { threads, torchVersion } from '../torch/runtime.js';
import { fingerprintPath } from '../util/fingerprint.js';
import { filesOfModule } from '../util/modules.js';
import { packageVersion } from '../util/version.js';
import { inputsOfState } from './stateFolder.js';
import { isOtherReference, type TrainRecipe } from './settings.js';

const texts = z.record(z.string(), z.string());

export const runIdentity = z.strictObject({
  /** The recipe's keys as JSON, those of a part with a point in their name; paths and what is only about saving left out. */
  settings: texts,
  /** Digests of what is read, by the key that names it. */
  inputs: texts,
  /** What computes. */
  build: texts,
});
export type RunIdentity = z.output<typeof runIdentity>;

/** Keys that change no number, and those whose content counts instead of their path. */
const LEFT_OUT = new Set([
  'stage',
  'out',
  'save',
  'tensorboard',
  'doctor',
  'proofs',
  'model',
  'data',
  'continue',
  'reference',
  'objective.module',
  'evaluation.data',
  'development.data',
  'sentinel.act',
]);

/** @param recipe with what it leaves open filled in */
export function identityOf(recipe: TrainRecipe): RunIdentity {
  const { model, data, objective, reference, continue: state, evaluation, development } = recipe;
  const inputs: [string, readonly string[]][] = [
    ['data', [data]],
    ['model', [modelInput(model)]],
    ['objective.module', objective.module === undefined ? [] : filesOfModule(objective.module)],
    ['continue', state === undefined ? [] : inputsOfState(state)],
    ...(isOtherReference(reference) ? [['reference', [modelInput(reference)]] as [string, string[]]] : []),
    ['evaluation.data', evaluation?.data === undefined ? [] : [evaluation.data]],
    ['development.data', development ? [development.data] : []],
  ];
  return {
    settings: Object.fromEntries(flat(recipe).sort(([a], [b]) => (a < b ? -1 : 1))),
    inputs: Object.fromEntries(inputs.map(([key, paths]) => [key, digestOf(paths)])),
    build: {
      redistill: packageVersion(),
      addon: createHash('sha256').update(readFileSync(addonPath())).digest('hex').slice(0, 16),
      libtorch: torchVersion(),
      kernels: process.env.REDISTILL_KERNELS ?? 'on',
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      threads: String(threads()),
    },
  };
}

const digestOf = (paths: readonly string[]): string =>
  paths.map((path) => fingerprintPath(path)?.slice(0, 16) ?? 'none').join(' ');

function flat(value: object, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([name, inner]): [string, string][] => {
    const key = `${prefix}${name}`;
    if (inner === undefined || LEFT_OUT.has(key)) return [];
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
      return flat(inner as object, `${key}.`);
    return [[key, JSON.stringify(inner)]];
  });
}

/** What differs, in words; each part is empty where nothing does. */
export interface Differences {
  /** Of settings and inputs: it is another run. */
  run: string[];
  /** Of the build and the machine: the same run would go on with other roundings. */
  build: string[];
}

export function differences(then: RunIdentity, now: RunIdentity): Differences {
  const differing = (part: keyof RunIdentity) => {
    const keys = new Set([...Object.keys(then[part]), ...Object.keys(now[part])]);
    return [...keys].filter((key) => then[part][key] !== now[part][key]);
  };
  const inWords = (part: keyof RunIdentity) =>
    differing(part).map((key) => `${key} (${shown(then[part][key])} then, ${shown(now[part][key])} now)`);
  return {
    run: [...inWords('settings'), ...differing('inputs').map((key) => `what ${key} names has changed`)],
    build: inWords('build'),
  };
}

const shown = (value = 'not set'): string => (value.length > 60 ? `${value.slice(0, 60)}…` : value);
