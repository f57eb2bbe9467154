/** @file What the doctor found, as a report shows it, with the rows that its stage has kept. */
import { numbered } from '../../util/counted.js';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { KEPT_FILE } from '../../doctor/kept.js';
import { headline } from '../../doctor/print.js';
import type { DoctorSummary } from '../../doctor/summary.js';
import { plainNumber } from '../../util/exactJson.js';
import type { Examination, ExaminedPiece, ExaminedRow } from '../model.js';
import { linesOf } from './openRow.js';
import type { FoundFolder } from './folders.js';
import { readJson, settingsOf, shortened } from './json.js';

const group = z.looseObject({
  ...{ code: z.string(), severity: z.string(), rows: z.number() },
  ...{ meaning: z.string(), detail: z.string(), advice: z.string() },
});
const summaryFile = z.looseObject({
  ...{ file: z.string(), rows: z.number(), ok: z.number(), warnings: z.number(), errors: z.number() },
  ...{ every: z.number(), problems: z.array(group) },
});

const piece = z.object({
  text: z.string().optional(),
  trained: z.boolean(),
  special: z.boolean().optional(),
  skipped: z.number().optional(),
});
const keptRow = z.looseObject({
  verdict: z.string(),
  problems: z.array(
    z.looseObject({
      code: z.string(),
      severity: z.string(),
      detail: z.string(),
      side: z.string().optional(),
    }),
  ),
  responses: z.array(z.object({ role: z.string(), pieces: z.array(piece) })),
  tokens: z.array(z.looseObject({ prompt: z.number(), trained: z.number() })).default([]),
});

/** Reads the folders of the stage `doctor`. */
export const readExaminations = (folders: readonly FoundFolder[]): Examination[] =>
  folders.flatMap((folder) => {
    const summary = readJson(join(folder.dir, 'summary.json'), summaryFile);
    if (!summary) return [];
    const rows = [...linesOf(join(folder.dir, KEPT_FILE))].flatMap(examinedRow);
    const { model } = settingsOf(folder.record);
    const notes = existsSync(join(folder.dir, KEPT_FILE))
      ? []
      : [
          `No rows were kept: \`redistill doctor ${summary.file} --model ${typeof model === 'string' ? model : 'MODEL'} --html doctor.html\` shows some, and the stage doctor of this version keeps them.`,
        ];
    if (rows.length > 0 && rows.length < summary.rows)
      notes.push(
        `${rows.length} of ${summary.rows.toLocaleString('en')} rows ${numbered(rows.length, 'is', 'are')} shown: those with errors first, then those with warnings.`,
      );
    return [
      {
        ...{ id: folder.name, name: folder.name, dir: folder.dir, notes, rows },
        headline: `${shortened(summary.file)}: ${headline(summary as unknown as DoctorSummary)}.`,
        findings: summary.problems.map(({ code, severity, rows: many, meaning, detail, advice }) => ({
          ...{ code, severity, rows: many, meaning, detail, advice },
        })),
      },
    ];
  });

function examinedRow(row: Record<string, unknown>): ExaminedRow[] {
  const { data } = keptRow.safeParse(row);
  if (!data) return [];
  const index = plainNumber(row.original_index);
  return [
    {
      ...{
        line: plainNumber(row.line) ?? 0,
        id: index === undefined ? null : String(index),
        verdict: data.verdict,
      },
      findings: data.problems.map(({ code, severity, detail, side }) => ({
        ...{ code, severity, detail },
        ...(side !== undefined && { side }),
      })),
      responses: data.responses.map(({ role, pieces }, i) => ({
        role,
        ...{ masked: data.tokens[i]?.prompt ?? 0, trained: data.tokens[i]?.trained ?? 0 },
        pieces: joined(pieces),
      })),
    },
  ];
}

/** Masked text in one piece: its tokens are nobody's concern. */
function joined(pieces: readonly z.output<typeof piece>[]): ExaminedPiece[] {
  const found: ExaminedPiece[] = [];
  for (const { text = '', trained, special, skipped } of pieces) {
    const last = found.at(-1);
    const isPlain = !trained && special === undefined && skipped === undefined;
    if (isPlain && last && !last.trained && !last.special && last.skipped === undefined) last.text += text;
    else
      found.push({ text, trained, ...(special && { special }), ...(skipped !== undefined && { skipped }) });
  }
  return found;
}
