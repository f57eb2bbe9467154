/** @file Opens the decoding rules that settings name: those of the list, and those of modules of the user's. */
import { basename } from 'node:path';
import type { SamplingSettings } from '../../teacher/settings.js';
import { UserError } from '../../util/errors.js';
import { importFrom } from '../../util/modules.js';
import { calculatorRule } from './calculator.js';
import { checkedRow } from './checked.js';
import { repetitionStop } from './repetition.js';
import type { Rule } from './rule.js';
import { stopStrings } from './stopStrings.js';
import { thinkBudget } from './thinkBudget.js';

/**
 * The rules of a run, in the order in which they have their way.
 * @throws UserError naming the module that cannot be loaded or exports no rule
 */
export async function openRules({
  calculator,
  stop = [],
  rules = [],
  think_tokens: thinkTokens,
}: Pick<SamplingSettings, 'calculator' | 'stop' | 'rules' | 'think_tokens'>): Promise<Rule[]> {
  return [
    ...(stop.length > 0 ? [stopStrings(stop)] : []),
    ...(calculator ? [calculatorRule] : []),
    ...(thinkTokens === undefined ? [] : [thinkBudget(thinkTokens)]),
    ...(await Promise.all(
      rules.map(async (rule) => (typeof rule === 'string' ? repetitionStop() : ruleOfModule(rule.module))),
    )),
  ];
}

/** What a module exports as its rule. */
type Exported = Partial<Record<'begin' | 'name' | 'reads' | 'wanders', unknown>>;

async function ruleOfModule(module: string): Promise<Rule> {
  const exported = (await importFrom(module, 'rule', 'rule')) as Exported;
  const { begin } = exported;
  if (typeof begin !== 'function')
    throw new UserError(
      `rule ${module} exports something that is not a rule: export an object whose "begin" returns the rule of one response`,
    );
  return {
    name: typeof exported.name === 'string' ? exported.name : basename(module),
    reads: exported.reads === true,
    // Nothing says that it does not, unless it does.
    wanders: exported.wanders !== false,
    begin: (context) => checkedRow(module, () => (begin as Rule['begin']).call(exported, context)),
  };
}
