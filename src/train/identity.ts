/** @file What a run's numbers follow from: settings, inputs, build and machine; and how two runs differ in it. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { modelInput } from '../hub/resolve.js';
import { weightFiles } from '../models/directory.js';
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
  /** Digests of what is read, by the key that names it; `tokens`, which its rows are, and the day they were written on where that counts. */
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
]);

/** Variables by which libraries choose other instructions than the processor's best. */
const INSTRUCTIONS = [
  'ATEN_CPU_CAPABILITY',
  'ONEDNN_MAX_CPU_ISA',
  'DNNL_MAX_CPU_ISA',
  'MKL_ENABLE_INSTRUCTIONS',
];

/** The names of the machine's GPUs, each once, as the driver has them. */
function gpus(folder = '/proc/driver/nvidia/gpus'): string {
  const names = (existsSync(folder) ? readdirSync(folder) : []).map((name) => {
    const path = join(folder, name, 'information');
    return /^Model:\s*(.+)$/m.exec(existsSync(path) ? readFileSync(path, 'utf8') : '')?.[1] ?? 'unknown';
  });
  return [...new Set(names)].sort().join(', ') || 'unknown';
}

/** What computes. @param world how many processes do so together */
export const buildOf = (device: string, world = 1): RunIdentity['build'] => ({
  redistill: packageVersion(),
  addon: createHash('sha256').update(readFileSync(addonPath())).digest('hex').slice(0, 16),
  libtorch: torchVersion(),
  kernels: process.env.REDISTILL_KERNELS ?? 'on',
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  ...(device !== 'cpu' && { gpu: gpus() }),
  threads: String(threads()),
  ...(world > 1 && { processes: String(world) }),
  // Math.exp and the like are V8's own.
  v8: process.versions.v8.split('.').slice(0, 2).join('.'),
  ...Object.fromEntries(
    INSTRUCTIONS.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  ),
});

/** The files of the weights that stay as they are under adapters, and of what describes them. */
const baseFiles = (model: string): string[] =>
  ['config.json', ...weightFiles(model)].map((name) => join(model, name));

/** @param recipe with its model's directory, and what it leaves open filled in */
export function identityOf(recipe: TrainRecipe, world = 1): RunIdentity {
  const { model, lora, data, objective, reference, continue: state, evaluation, development } = recipe;
  const inputs: [string, readonly string[]][] = [
    ['data', [data]],
    ['model', [modelInput(model)]],
    ...(lora ? [['base', baseFiles(model)] as [string, string[]]] : []),
    ['objective.module', objective.module === undefined ? [] : filesOfModule(objective.module)],
    ['continue', state === undefined ? [] : inputsOfState(state)],
    ...(isOtherReference(reference) ? [['reference', [modelInput(reference)]] as [string, string[]]] : []),
    ['evaluation.data', evaluation?.data === undefined ? [] : [evaluation.data]],
    ['development.data', development ? [development.data] : []],
  ];
  return {
    settings: Object.fromEntries(flat(recipe).sort(([a], [b]) => (a < b ? -1 : 1))),
    inputs: Object.fromEntries(inputs.map(([key, paths]) => [key, digestOf(paths)])),
    build: buildOf(recipe.device, world),
  };
}

/**
 * Adds what is known when the rows are there.
 * @param tokens digests of what they are as tokens
 * @param date the day on which they were written, where a template asked for it
 */
export function withRows(identity: RunIdentity, tokens: readonly string[], date?: string): RunIdentity {
  const inputs = { ...identity.inputs, tokens: tokens.map((digest) => digest.slice(0, 16)).join(' ') };
  return { ...identity, inputs: { ...inputs, ...(date !== undefined && { date }) } };
}

/** Of settings and inputs, what makes no other run by itself: what is not known before the rows are, and what only may end it. */
const ASIDE = ['tokens', 'date', 'sentinel.act'];

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

/** What differs but for the rows and `sentinel.act`, in words; each part is empty where nothing does. */
export interface Differences {
  /** Of settings and inputs: it is another run. */
  run: string[];
  /** Of the build and the machine: the same run would go on with other roundings. It may go on in another number of processes. */
  build: string[];
}

export function differences(then: RunIdentity, now: RunIdentity): Differences {
  // Processes divide the machine's cores among them.
  const aside = then.build.processes === now.build.processes ? ASIDE : [...ASIDE, 'processes', 'threads'];
  const differing = (part: keyof RunIdentity) =>
    differingKeys(then[part], now[part]).filter((key) => !aside.includes(key));
  const inWords = (part: keyof RunIdentity) =>
    differing(part).map((key) => `${key} (${shown(then[part][key])} then, ${shown(now[part][key])} now)`);
  return {
    run: [...inWords('settings'), ...differing('inputs').map((key) => `what ${key} names has changed`)],
    build: inWords('build'),
  };
}

/** Whether all is the same from which a run's numbers follow; `sentinel.act` may end it, and changes none. */
export const computesAlike = (then: RunIdentity, now: RunIdentity): boolean =>
  (['settings', 'inputs', 'build'] as const).every((part) =>
    differingKeys(then[part], now[part]).every((key) => key === 'sentinel.act'),
  );

const differingKeys = (then: Record<string, string>, now: Record<string, string>): string[] =>
  [...new Set([...Object.keys(then), ...Object.keys(now)])].filter((key) => then[key] !== now[key]);

const shown = (value = 'not set'): string => (value.length > 60 ? `${value.slice(0, 60)}…` : value);
