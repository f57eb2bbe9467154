/** @file The files and folders that a stage's settings name: which keys they are, where they stand, whether they are there. */
import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { modelProblem } from '../hub/resolve.js';
import { stateAt } from '../train/stateFolder.js';
import { stageKinds, type StageConfig } from './stages/index.js';
import type { StageDefinition } from './stages/stage.js';

/** What is to stand at a path; a source of models may be a name as well. */
export type PathKind = 'file' | 'model' | 'evaluation' | 'state' | 'source';

/** The keys, at whatever depth, that name what a stage reads. */
const KINDS: ReadonlyMap<string, PathKind> = new Map([
  ['data', 'file'],
  ['decontaminate', 'file'],
  ['against', 'file'],
  ['module', 'file'],
  ['model', 'model'],
  ['reference', 'model'],
  ['tokenizer', 'model'],
  ['contrast_with', 'model'],
  ['helper_model', 'model'],
  ['context', 'file'],
  ['prompt', 'file'],
  ['evaluation', 'evaluation'],
  ['before', 'evaluation'],
  ['after', 'evaluation'],
  ['plan', 'file'],
  ['continue', 'state'],
]);

interface PathSetting {
  /** The key, a list's entries by their place. */
  key: readonly PropertyKey[];
  kind: PathKind;
  path: string;
}

type Stage = Pick<StageConfig, 'kind' | 'config' | 'gone'>;

/** Where files are looked for. */
interface Places {
  /** The recipe's own folder. */
  folder: string;
  /** A folder whose files the pipeline itself makes. */
  made?: string;
  /** Names of models that earlier stages get. */
  fetched?: readonly string[];
  /** What the stage has read when it ran before: that need not be there any more, unless it runs again. */
  known?: ReadonlySet<string>;
}

/** What of a stage's settings names a file or a folder, references to earlier stages included. */
export function pathSettings({ kind, config }: Stage): PathSetting[] {
  const { inputs } = stageKinds[kind] as StageDefinition<unknown, unknown>;
  const read = new Set(inputs(config));
  const found: PathSetting[] = [];
  const walk = (value: unknown, key: readonly PropertyKey[]): void => {
    if (typeof value === 'object' && value !== null) {
      const isList = Array.isArray(value);
      for (const [name, inner] of Object.entries(value)) walk(inner, [...key, isList ? Number(name) : name]);
    } else if (typeof value === 'string') {
      const name = key.findLast((part) => typeof part === 'string');
      const what = KINDS.get(String(name));
      if (kind === 'get' && name === 'model') found.push({ key, kind: 'source', path: value });
      else if (kind === 'table' && name === 'against')
        return; // names of rows
      else if (what !== undefined && read.has(value)) found.push({ key, kind: what, path: value });
    }
  };
  walk(config, []);
  return found;
}

/**
 * Where a path of a recipe leads: it counts from the current folder, and where nothing is there, from the recipe's own.
 * @returns the path, or why it is not clear which is meant
 */
function locate(path: string, folder: string): { path: string; fault?: string } {
  const beside = join(folder, path);
  if (isAbsolute(path) || resolve(beside) === resolve(path) || !existsSync(beside)) return { path };
  if (!existsSync(path)) return { path: beside };
  if (isSame(path, beside)) return { path };
  const fault = `there are ${resolve(path)} and ${resolve(beside)}: write the whole path of the one that is meant`;
  return { path, fault };
}

function isSame(a: string, b: string): boolean {
  const [first, second] = [statSync(a), statSync(b)];
  return first.ino === second.ino && first.dev === second.dev;
}

/** Why nothing can be read at a path; undefined where it seems that it can. */
function pathFault({ kind, path }: PathSetting, folder: string): string | undefined {
  if (kind === 'model') return modelProblem(path);
  if (kind === 'source' && !/^\.{0,2}\/|\.gguf$/.test(path)) return undefined; // a name on a hub
  if (!existsSync(path)) {
    const beside = isAbsolute(path) || resolve(folder) === resolve('.') ? '' : `, nor ${join(folder, path)}`;
    return `there is no ${path}${beside}`;
  }
  const isFolder = statSync(path).isDirectory();
  if (kind === 'file' && isFolder) return `${path} is a folder; name a file`;
  if (kind === 'state' && stateAt(path) === undefined)
    return `${path} has no training state; a run keeps its last one where save.states says how many`;
  if (kind === 'evaluation' && !existsSync(join(path, 'samples.jsonl')))
    return `${path} is not an evaluation's folder: it has no samples.jsonl`;
  return undefined;
}

/** Whether a path leads into a folder, which need not be there yet. */
export const isInside = (path: string, folder: string): boolean =>
  `${resolve(path)}${sep}`.startsWith(`${resolve(folder)}${sep}`);

/** The settings with another text at a key. */
function withPath<T>(settings: T, key: readonly PropertyKey[], path: string): T {
  const [first, ...rest] = key;
  if (first === undefined) return path as T;
  const copy = (Array.isArray(settings) ? [...(settings as unknown[])] : { ...settings }) as Record<
    PropertyKey,
    unknown
  >;
  copy[first] = withPath(copy[first], rest, path);
  return copy as T;
}

/**
 * Finds the files of a stage, references passed over, and looks whether they are there.
 * @param onFault is called with each key at which something is missing
 */
export function locatePaths<T extends Stage>(
  stage: T,
  { folder, made, fetched = [], known = new Set() }: Places,
  onFault: (key: readonly PropertyKey[], message: string) => void,
): T {
  let { config } = stage;
  const gone: string[] = [];
  for (const setting of pathSettings(stage)) {
    if (setting.path.startsWith('@') || fetched.includes(setting.path)) continue;
    if (made !== undefined && isInside(setting.path, made)) continue;
    const { path, fault } = locate(setting.path, folder);
    const before = [path, join(folder, path)].find((one) => known.has(one));
    if (before !== undefined && !existsSync(path)) {
      gone.push(before);
      config = withPath(config, setting.key, before);
      continue;
    }
    const complaint = fault ?? pathFault({ ...setting, path }, folder);
    if (complaint !== undefined) onFault(setting.key, complaint);
    config = withPath(config, setting.key, path);
  }
  return { ...stage, config, ...(gone.length > 0 && { gone }) };
}
