/**
 * @file Takes from a training row the responses that an objective learns from, and makes token rows of them. Training,
 * scoring and the doctor all go through here.
 */

import type { Objective, Role } from '../objectives/objective.js';
import { tokenRow, type RowOptions, type TokenRow, type Where } from './tokenRows.js';
import type { RowMessage, TemplateInputs } from './template.js';
import type { ChatTokenizer } from './tokenizer.js';

type Text = readonly RowMessage[] | string;

/** A training row without its prompt: one response, or a chosen and a rejected one. */
type Responses = { kind: 'messages'; response: Text } | { kind: 'preference'; chosen: Text; rejected: Text };

/** A response of a training row. */
export interface Side {
  role: Role;
  response: Text;
}

/**
 * Lists the responses of a row that an objective learns from.
 * @param data the objective's; `messages` takes the chosen side of a pair as a demonstration and leaves the other out
 */
export function sidesOf(row: Responses, data: Objective['data']): Side[] {
  if (row.kind === 'messages') return [{ role: 'demonstration', response: row.response }];
  if (data === 'messages') return [{ role: 'demonstration', response: row.chosen }];
  return [
    { role: 'chosen', response: row.chosen },
    { role: 'rejected', response: row.rejected },
  ];
}

/** What the responses of a row respond to. */
export interface Asked {
  prompt: Text;
  /** The row's tools and variables for the template. */
  inputs?: TemplateInputs;
}

/** Settings of a whole file. */
export type SideOptions = Omit<RowOptions, 'sft' | 'inputs'>;

/** Makes a side's token row. @throws UserError as `tokenRow` does */
export function tokenSide(
  tokenizer: ChatTokenizer,
  { prompt, inputs }: Asked,
  { role, response }: Side,
  options: SideOptions,
  where: Where,
): Promise<TokenRow> {
  const sft = role === 'demonstration';
  return tokenRow(tokenizer, prompt, response, { ...options, sft, ...(inputs && { inputs }) }, where);
}
