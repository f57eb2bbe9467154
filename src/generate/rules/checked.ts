/** @file Holds a rule of a module of the user's to what a rule may say. That tokens and places exist is checked where they are used. */
import { z } from 'zod';
import { UserError } from '../../util/errors.js';
import { thrownBy } from '../../util/modules.js';
import type { Action, Look, RowRule, RowState } from './rule.js';

/** What is wrong with a rule, whichever response it was at. */
export class RuleFault extends UserError {
  override name = 'RuleFault';
}

const whole = z.int().nonnegative();
const forced = z.union(
  [z.string(), z.instanceof(Int32Array), z.array(whole)],
  'must be a text or a list of token ids',
);
const then = z.custom<(seen: Look) => unknown>((value) => typeof value === 'function', 'must be a function');

/** Actions by what they are told by, in the order in which that is looked for. */
const actions: Readonly<Record<string, z.ZodType>> = {
  stop: z.strictObject({ stop: z.enum(['stop', 'length']), keep: whole.optional() }),
  look: z.strictObject({
    look: z.strictObject({
      force: forced.optional(),
      tokens: whole.optional(),
      read: z.array(whole).optional(),
    }),
    then,
  }),
  model: z.strictObject({ model: z.string(), tokens: z.int().positive() }),
  takeBack: z.strictObject({ takeBack: whole, force: forced.optional() }),
  force: z.strictObject({ force: forced }),
};
const kinds = Object.keys(actions).map((kind) => `"${kind}"`);

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const comesLater = (value: unknown): boolean =>
  isObject(value) && !('look' in value) && 'then' in value && typeof value.then === 'function';

/** What is wrong with what stands for an action, as the end of a sentence. */
function faultOf(value: unknown): string | undefined {
  if (comesLater(value)) return 'a promise: a rule says at once what it wants, and is not async';
  if (!isObject(value)) return `${JSON.stringify(value)}, which is not an action`;
  const kind = Object.keys(actions).find((name) => name in value);
  if (kind === undefined) return `an object without ${kinds.join(', ')}, one of which every action has`;
  const issue = actions[kind]!.safeParse(value).error?.issues[0];
  return issue && `an action with a fault: ${[...issue.path, issue.message].join(': ')}`;
}

/**
 * The rule of one response, with its faults told by the module's name.
 * @throws RuleFault for one that is none; its members throw it likewise
 */
export function checkedRow(module: string, begin: () => unknown): RowRule {
  const by = <T>(body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw error instanceof RuleFault
        ? error
        : new RuleFault(`rule ${module} threw: ${thrownBy(error, module)}`);
    }
  };
  const fail = (what: string) => new RuleFault(`rule ${module}: ${what}`);
  const actionOf = (where: string, body: () => unknown): Action | undefined => {
    const value = by(body);
    if (value === undefined || value === null) return undefined;
    const fault = faultOf(value);
    if (fault !== undefined) throw fail(`"${where}" returned ${fault}`);
    const action = value as Action;
    if (!('look' in action)) return action;
    return { ...action, then: (seen) => actionOf('then', () => action.then(seen)) };
  };
  const row = by(begin);
  if (comesLater(row)) throw fail('"begin" returned a promise: a rule begins at once, and is not async');
  const members = ['bias', 'after', 'end', 'rewound'] as const;
  const given = isObject(row) ? (row as Partial<Record<(typeof members)[number], unknown>>) : {};
  const named = members.filter((member) => given[member] !== undefined);
  if (named.length === 0)
    throw fail('"begin" returned no rule: it has none of "bias", "after", "end" and "rewound"');
  const wrong = named.find((member) => typeof given[member] !== 'function');
  if (wrong !== undefined) throw fail(`"${wrong}" must be a function`);
  const own = row as RowRule;
  return {
    ...(own.bias && {
      bias: (state: RowState) => {
        const bias: unknown = by(() => own.bias!(state));
        if (bias === undefined || bias === null) return undefined;
        if (!(bias instanceof Map)) throw fail('"bias" returned no Map of token ids to numbers');
        return bias as ReadonlyMap<number, number>;
      },
    }),
    ...(own.after && { after: (state: RowState) => actionOf('after', () => own.after!(state)) }),
    ...(own.end && { end: (state: RowState) => actionOf('end', () => own.end!(state)) }),
    ...(own.rewound && {
      rewound: (state: RowState) => {
        by(() => {
          own.rewound!(state);
        });
      },
    }),
  };
}
