/** @file Lists the curation rules; no other file lists them. */
import { ablation } from './ablation.js';
import { matched } from './matched.js';
import { redi } from './redi.js';
import type { CurationRule } from './rule.js';

const rules = [redi, ablation, matched] as const;

export type RuleName = (typeof rules)[number]['name'];

export const curationRules: readonly (CurationRule & { readonly name: RuleName })[] = rules;

export const ruleNames: readonly RuleName[] = rules.map(({ name }) => name);

/** The rule where none is named and no setting of another is given: the paper's. */
export const defaultRule: RuleName = redi.name;

export function ruleNamed(name: RuleName): CurationRule {
  return curationRules.find((rule) => rule.name === name)!;
}
