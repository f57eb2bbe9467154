/**
 * @file Takes from a training row the responses that an objective learns from, and makes token rows of them. Training,
 * scoring and the doctor all go through here.
 */

import type { Objective, Role } from '../objectives/objective.js';
import { columnsOf, type GivenColumns } from './columns.js';
import { answerWeight } from './messages.js';
import { tokenRow, type RowOptions, type TokenRow, type Where } from './tokenRows.js';
import { partsRow, type PartsPrompt, type PartsResponse } from './parts.js';
import type { RowMessage, TemplateInputs } from './template.js';
import type { ChatTokenizer } from './tokenizer.js';

type Text = readonly RowMessage[] | string;

/** What a row says of each of its responses. */
interface Given {
  /** How much it counts, with its sign. Default: 1. */
  weight?: number;
  /** Numbers by name. */
  scalars?: Readonly<Record<string, number>>;
}

/** What the responses of a row respond to. */
interface Asked extends Given {
  prompt: Text;
  /** The row's tools and variables for the template. */
  inputs?: TemplateInputs;
}

/** A training row: one response, a chosen and a rejected one, or sequences that each have a prompt of their own. */
type Row =
  | (Asked & { kind: 'messages'; response: Text })
  | (Asked & { kind: 'preference'; chosen: Text; rejected: Text })
  | (Given & { kind: 'group'; inputs?: TemplateInputs; sequences: readonly PartsSide[] });

/** A response in parts, and what it responds to. */
interface PartsSide extends Given {
  role: Role;
  prompt: PartsPrompt;
  response: PartsResponse;
  inputs?: TemplateInputs;
  /** Numbers of its tokens or segments, or token ids, by name. */
  columns?: GivenColumns;
}

/** A response of a training row, and what it responds to. */
export type Side = (Asked & { role: Role; response: Text }) | PartsSide;

/**
 * Lists the responses of a row that an objective learns from.
 * @param data the objective's; `messages` takes the chosen side of a pair as a demonstration and leaves the other out
 */
export function sidesOf(row: Row, data: Objective['data']): Side[] {
  const sides = allSides(row);
  if (data !== 'messages') return sides;
  return sides.filter(({ role }) => role !== 'rejected').map((side) => ({ ...side, role: 'demonstration' }));
}

function allSides(row: Row): Side[] {
  const { weight, scalars } = row;
  const given = { ...(row.inputs && { inputs: row.inputs }), ...(weight !== undefined && { weight }) };
  if (row.kind === 'group')
    return row.sequences.map((side) => {
      const all = { ...scalars, ...side.scalars };
      return { ...side, ...given, ...(Object.keys(all).length > 0 && { scalars: all }) };
    });
  const asked = { prompt: row.prompt, ...given, ...(scalars && { scalars }) };
  if (row.kind === 'messages') return [{ ...asked, role: 'demonstration', response: row.response }];
  return [
    { ...asked, role: 'chosen', response: row.chosen },
    { ...asked, role: 'rejected', response: row.rejected },
  ];
}

/** Settings of a whole file. */
export type SideOptions = Omit<RowOptions, 'sft' | 'inputs'>;

/** Tells responses in parts from others. */
export const isInParts = (side: Side): side is PartsSide =>
  typeof side.response === 'object' && 'parts' in side.response;

/** Tells a prompt of ids from others. */
export const isIds = (prompt: PartsPrompt): prompt is { ids: readonly number[] } =>
  typeof prompt === 'object' && 'ids' in prompt;

/** Makes a side's token row. @throws UserError as `tokenRow` and `partsRow` do */
export async function tokenSide(
  tokenizer: ChatTokenizer,
  side: Side,
  options: SideOptions,
  where: Where,
): Promise<TokenRow> {
  const { inputs, scalars } = side;
  const weight = (side.weight ?? 1) * (isInParts(side) ? 1 : answerWeight(side.response));
  const given = { ...options, ...(inputs && { inputs }) };
  const row = isInParts(side)
    ? await partsRow(tokenizer, side.prompt, side.response, given, where)
    : await tokenRow(
        tokenizer,
        side.prompt,
        side.response,
        { ...given, sft: side.role === 'demonstration' },
        where,
      );
  const columns = isInParts(side) ? side.columns : undefined;
  return {
    ...row,
    ...(weight !== 1 && { weights: timesWeight(row, weight) }),
    ...(scalars && { scalars }),
    ...(columns && (await columnsOf(tokenizer, columns, row, where))),
  };
}

const timesWeight = ({ ids, responseStart, weights }: TokenRow, weight: number): Float64Array =>
  (weights ?? new Float64Array(ids.length - responseStart).fill(1)).map((own) => own * weight);
