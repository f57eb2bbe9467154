/** @file The line of stages of a recipe as a report shows it: what went into each and what came out. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { STAGE_NAME, stageKinds } from '../../pipeline/stages/index.js';
import { RECORD } from '../../util/ownFolder.js';
import type { Report, StageBox } from '../model.js';
import type { FoundFolder } from './folders.js';
import { readJson } from './json.js';
import { lastIn } from './last.js';

const recipe = z.object({
  stages: z.array(z.object({ name: z.string(), kind: z.string(), config: z.unknown() })),
});
const cache = z.object({ stages: z.record(z.string(), z.unknown()) });

/** What stages lead to. */
type Parts = Pick<Report, 'runs' | 'evaluations' | 'traces' | 'examinations'>;

/** Reads the lines of stages of pipelines, one after the other; where there are several, each stage says of which it is. */
export function readStages(pipelines: readonly FoundFolder[], parts: Parts): StageBox[] {
  const lines = pipelines.map((pipeline) => ({ pipeline, stages: stagesOf(pipeline, parts) }));
  const isOne = lines.filter(({ stages }) => stages.length > 0).length < 2;
  return lines.flatMap(({ pipeline, stages }) =>
    isOne ? stages : stages.map((stage) => ({ ...stage, of: pipeline.name })),
  );
}

/** The stages of a pipeline's folder; none where it is another command's. A name that is none leads nowhere. */
function stagesOf(pipeline: FoundFolder, parts: Parts): StageBox[] {
  const found = recipe.safeParse(pipeline.record.recipe).data;
  if (!found) return [];
  const done = readJson(join(pipeline.dir, 'stages.json'), cache)?.stages ?? {};
  const names = found.stages.map(({ name }) => name);
  return found.stages
    .filter(({ name }) => STAGE_NAME.test(name))
    .map(({ name, kind, config }) => {
      const dir = join(pipeline.dir, name);
      const link = linkTo(dir, parts);
      const counts = countsOf(kind, dir, parts);
      const hasBegun = counts.length > 0 || existsSync(join(dir, RECORD));
      const state = Object.hasOwn(done, name) ? 'done' : hasBegun ? 'under way' : 'not begun';
      const summary = Object.hasOwn(stageKinds, kind)
        ? stageKinds[kind as keyof typeof stageKinds].summary
        : '';
      return {
        ...{ name, kind, state, summary, counts },
        from: referencesIn(config).filter((other) => names.includes(other)),
        account: accountOf(kind, dir),
        ...(link !== undefined && { link }),
      };
    });
}

/** Names of stages that settings refer to, each once. */
function referencesIn(value: unknown): string[] {
  if (typeof value === 'string') return /^@([^@/][^/]*)/.exec(value)?.slice(1) ?? [];
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.values(value).flatMap(referencesIn))];
}

/** Where a report shows what a stage has left. */
function linkTo(dir: string, { runs, evaluations, traces, examinations }: Parts): string | undefined {
  const views = { runs, traces, doctor: examinations };
  for (const [view, parts] of Object.entries(views)) {
    const part = parts?.find((one) => one.dir === dir);
    if (part) return `${view}/${part.id}`;
  }
  const set = evaluations.find(({ columns }) => columns.some((column) => column.dir === dir));
  return set && `evaluations/${set.id}`;
}

const counted = z.record(z.string(), z.unknown());
const summaryIn = (dir: string) => readJson(join(dir, 'summary.json'), counted);

type Count = StageBox['counts'][number];

/** Numbers of a summary under other names; those that are missing are left out. */
const pick = (
  summary: Readonly<Record<string, unknown>> | undefined,
  names: Readonly<Record<string, string>>,
): Count[] =>
  Object.entries(names).flatMap(([key, name]) => {
    const value = key
      .split('.')
      .reduce<unknown>((part, step) => (part as Record<string, unknown> | undefined)?.[step], summary);
    return typeof value === 'number' ? [{ name, value }] : [];
  });

function countsOf(
  kind: string,
  dir: string,
  { runs, evaluations }: Pick<Report, 'runs' | 'evaluations'>,
): Count[] {
  if (kind === 'train') {
    const run = runs.find((one) => one.dir === dir);
    const tokens = run && lastIn(run, 'num_tokens');
    return run
      ? [{ name: 'steps', value: run.steps.done }, ...(tokens ? [{ name: 'tokens', value: tokens }] : [])]
      : [];
  }
  if (kind === 'evaluate') {
    const column = evaluations.flatMap(({ columns }) => columns).find((one) => one.dir === dir);
    const problems = evaluations.find(({ columns }) => columns.some((one) => one.dir === dir))?.problems.ids
      .length;
    return column && problems !== undefined
      ? [
          { name: 'problems', value: problems },
          { name: 'responses', value: column.responses },
        ]
      : [];
  }
  const summary = summaryIn(dir);
  if (kind === 'collect') {
    const counts = pick(summary, {
      problems: 'problems',
      solved: 'solved',
      generations: 'traces',
      right: 'right',
      cut_off: 'cut off',
    });
    return counts;
  }
  if (kind === 'curate')
    return [
      ...pick(summary, {
        rows: 'rows',
        'generations.total': 'traces',
        sft: 'right traces kept',
        pref: 'pairs',
        dropped_rows: 'rows dropped',
      }),
      ...Object.entries((summary?.dropped as Record<string, unknown> | undefined) ?? {}).flatMap(
        ([reason, value]) =>
          typeof value === 'number' && value > 0
            ? [{ name: `dropped: ${reason.replaceAll('_', ' ')}`, value }]
            : [],
      ),
    ];
  if (kind === 'doctor') return pick(summary, { rows: 'rows', errors: 'errors', warnings: 'warnings' });
  return [];
}

/** What the stage says of itself in sentences. */
function accountOf(kind: string, dir: string): string[] {
  if (kind === 'compare') {
    const verdict = readJson(join(dir, 'compare.json'), z.looseObject({ verdict: z.string() }))?.verdict;
    return verdict === undefined ? [] : [verdict];
  }
  const account = z.array(z.string()).safeParse(summaryIn(dir)?.account).data;
  return account ?? [];
}
