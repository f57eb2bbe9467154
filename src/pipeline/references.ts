/** @file `@name` in a stage's settings: what an earlier stage left, and whether that is what the key wants. */
import type { EvaluateSettings } from '../evaluate/evaluate.js';
import { nearestHint } from '../util/nearest.js';
import { graderName } from '../verify/graders/open.js';
import { pathSettings, type PathKind } from './paths.js';
import { stageKinds, type StageConfig, type StageKind } from './stages/index.js';
import type { TrainRecipe } from '../train/settings.js';
import type { ChooseSettings } from './stages/choose.js';
import type { TableSettings } from './stages/table.js';

/** A stage's name, up to a slash; a text that begins with `@@` is not a reference and loses one of them. */
const reference = /^@([^@/][^/]*)/;

/** What `@name` is, by the stage's kind. */
const LEAVES: Record<StageKind, Exclude<PathKind, 'source' | 'state'> | 'folder'> = {
  get: 'model',
  collect: 'file',
  verify: 'file',
  curate: 'folder',
  rewards: 'file',
  doctor: 'folder',
  score: 'file',
  columns: 'file',
  train: 'model',
  evaluate: 'evaluation',
  choose: 'model',
  table: 'file',
  compare: 'file',
};
/** A file of a stage that leaves a folder. */
const EXAMPLES: Partial<Record<StageKind, string>> = {
  curate: 'pref.jsonl',
  doctor: 'verdicts.jsonl',
  evaluate: 'samples.jsonl',
};
const WORDS = {
  model: 'a model',
  file: 'a file',
  evaluation: 'an evaluation',
  state: 'a training state',
  folder: 'a folder',
} as const;

type OnFault = (key: readonly PropertyKey[], message: string) => void;

/**
 * Looks whether a stage's references lead to what it can read.
 * @param earlier the stages before it by their names
 * @param unsure names of stages before it that have faults of their own
 */
export function checkReferences(
  stage: StageConfig,
  earlier: ReadonlyMap<string, StageConfig>,
  unsure: ReadonlySet<string>,
  onFault: OnFault,
): void {
  const wanted = new Map(pathSettings(stage).map(({ key, kind }) => [key.join('.'), kind]));
  for (const { key, name, rest } of referencesIn(stage.config)) {
    const found = earlier.get(name);
    const kind = wanted.get(key.join('.'));
    if (!found && !unsure.has(name)) onFault(key, `"@${name}" is not an earlier stage`);
    else if (found && kind !== undefined && kind !== 'source') {
      const complaint = misfit(kind, found, rest);
      if (complaint !== undefined) onFault(key, complaint);
    }
  }
  if (stage.kind === 'table') checkGrader(stage.config as TableSettings, 'rows', earlier, onFault);
  if (stage.kind === 'choose') {
    const { among, grader } = stage.config as ChooseSettings;
    checkGrader({ rows: among, grader }, 'among', earlier, onFault);
  }
}

function misfit(
  wanted: Exclude<PathKind, 'source'>,
  { name, kind, config }: StageConfig,
  rest: string,
): string | undefined {
  if (wanted === 'state' && kind === 'train')
    return (config as TrainRecipe).save.states
      ? undefined
      : `"@${name}": the stage "${name}" keeps no state: give it save: { states: 1 }`;
  const left = LEAVES[kind];
  const what = `"@${name}${rest}": the stage "${name}" leaves ${WORDS[left]}`;
  if (rest !== '' && left === 'file') return `${what}, so "@${name}" is all of it`;
  const file = rest.slice(1);
  if (file !== '') return left === 'model' ? undefined : strange(file, name, kind);
  if (left === wanted) return undefined;
  const example = EXAMPLES[kind];
  return wanted === 'file' && example !== undefined
    ? `${what}: name a file in it, such as "@${name}/${example}"`
    : `${what}, not ${WORDS[wanted]}`;
}

/** Why there will be no such file in the folder that a stage leaves. */
function strange(file: string, name: string, kind: StageKind): string | undefined {
  const { writes } = stageKinds[kind];
  if (writes.includes(file)) return undefined;
  return `"@${name}/${file}": the stage "${name}" writes no ${file}${nearestHint(file, writes)}, only ${writes.join(', ')}`;
}

/** The grader that counts must have graded every row. */
function checkGrader(
  { rows, grader }: Pick<TableSettings, 'rows' | 'grader'>,
  key: 'rows' | 'among',
  earlier: ReadonlyMap<string, StageConfig>,
  onFault: OnFault,
): void {
  const gradersOf = (evaluation: string) => {
    const stage = earlier.get(reference.exec(evaluation)?.[1] ?? '');
    return stage?.kind === 'evaluate' ? (stage.config as EvaluateSettings).grader.map(graderName) : undefined;
  };
  const wanted = grader ?? gradersOf(rows[0]!.evaluation)?.[0];
  if (wanted === undefined) return;
  for (const [i, { name, evaluation }] of rows.entries()) {
    const graders = gradersOf(evaluation);
    if (graders && !graders.includes(wanted))
      onFault(
        [key, i, 'evaluation'],
        `row "${name}": "${evaluation}" is graded by ${graders.join(', ')}, not by "${wanted}", which the ${key === 'rows' ? 'table' : 'choice'} goes by`,
      );
  }
}

interface Reference {
  key: readonly PropertyKey[];
  name: string;
  /** What stands after the name, with its slash. */
  rest: string;
}

function referencesIn(value: unknown, key: readonly PropertyKey[] = []): Reference[] {
  if (typeof value === 'string') {
    const match = reference.exec(value);
    return match ? [{ key, name: match[1]!, rest: value.slice(match[0].length) }] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    referencesIn(inner, [...key, Array.isArray(value) ? Number(name) : name]),
  );
}

/** The settings with every `@name/rest` replaced by the path that stage left, and those paths. */
export function resolveReferences<T>(
  value: T,
  results: ReadonlyMap<string, string>,
): { value: T; inputs: string[] } {
  const inputs: string[] = [];
  const walk = (node: unknown): unknown => {
    if (typeof node === 'string') {
      const match = reference.exec(node);
      if (!match) return node.startsWith('@@') ? node.slice(1) : node;
      const path = results.get(match[1]!)! + node.slice(match[0].length);
      inputs.push(path);
      return path;
    }
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node === 'object' && node !== null) {
      return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, walk(inner)]));
    }
    return node;
  };
  return { value: walk(value) as T, inputs };
}
