import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { curationRules } from './rules/index.js';
import { curateSettings, refuseImpossible, ruleOf, type CurateSettings } from './settings.js';

const parse = (settings: object) => curateSettings.safeParse({ data: 'traces.jsonl', ...settings });

describe('curateSettings', () => {
  it('says of every key what it is, in a sentence without a full stop', () => {
    for (const [key, schema] of Object.entries(curateSettings.shape)) {
      expect(schema.description, key).toMatch(/^\S.*[^.\s]$/);
      expect(key).toMatch(/^[a-z]+(_[a-z]+)*$/);
    }
  });

  it('has the keys that rules name', () => {
    for (const { settings = [], fixes = [] } of curationRules)
      for (const key of [...settings, ...fixes]) expect(Object.keys(curateSettings.shape)).toContain(key);
  });

  it('has the defaults of the paper', () => {
    expect(parse({ model: 'student' }).data).toEqual({
      data: 'traces.jsonl',
      verdicts: 'LandMV',
      model: 'student',
      length_filter: true,
      length_count: 'paper',
      max_prompt_tokens: 800,
      max_response_tokens: 19_000,
      limit_sft: false,
      chosen: 'first',
      pairs: 1,
      normalize_answers: false,
      by: 'hardest',
      duplicates: 'report',
      decontaminate: [],
      drop_contaminated: false,
      seed: 42,
    });
  });

  it.each([
    [{ rules: 'redi' }, /Unrecognized key: ..rules/],
    [{ data: [] }, /Too small/],
    [{ pairs: 0 }, /Too small/],
    [{ pairs: 'most' }, /Invalid/],
    [{ shortest_pairs: 1.5 }, /expected int/],
  ])('refuses %j', (settings, message) => {
    const { error } = parse({ model: 'student', ...settings });
    expect(JSON.stringify(error?.issues.map((issue) => issue.message))).toMatch(message);
  });

  const off = { length_filter: false };
  const ablation = { rule: 'ablation', model: 'student' };
  it.each<[object, string]>([
    [{}, '"length_filter" needs "model", '],
    [{ ...off, max_tokens: 200 }, '"max_tokens" needs "model", '],
    [{ ...off, shortest_pairs: 10 }, '"shortest_pairs" needs "model", '],
    [
      { ...off, limit_sft: true, max_prompt_tokens: 9 },
      '"max_prompt_tokens", "limit_sft": nothing is counted',
    ],
    [{ ...off, drop_contaminated: true }, '"drop_contaminated" needs "decontaminate"'],
    [
      { ...off, rule: 'redi', match_length: 0.25 },
      '"match_length" belongs to the rule "matched", not to "redi"',
    ],
    [{ ...ablation, match_length: 0.1 }, '"match_length" belongs to the rule "matched", not to "ablation"'],
    [{ ...ablation, verdicts: 'mv' }, 'the rule "ablation" fixes "verdicts" itself; leave those options out'],
    [{ ...ablation, pairs: 2, max_tokens: 9 }, 'the rule "ablation" fixes "pairs", "max_tokens" itself'],
  ])('refuses %j in one sentence', (settings, sentence) => {
    const parsed = parse(settings);
    expect(parsed.error?.issues).toHaveLength(1);
    const { message } = parsed.error!.issues[0]!;
    expect(message).toContain(sentence);
    expect(message).not.toMatch(/\.$|\n/);
    const plain = { ...parse({ model: 'student' }).data!, model: undefined, ...settings } as CurateSettings;
    expect(() => {
      refuseImpossible(plain);
    }).toThrow(new UserError(message));
  });

  it.each<[object]>([
    [off],
    [{ ...off, max_prompt_tokens: 800 }],
    [{ ...off, model: 'student', max_tokens: 200, shortest_pairs: 10 }],
    [{ ...ablation, max_response_tokens: 100 }],
    [{ ...off, rule: 'ablation' }],
    [{ ...off, match_length: 0.1 }],
    [{ ...off, rule: 'matched', match_length: 0.1, pairs: 'balanced' }],
  ])('takes %j', (settings) => {
    expect(parse(settings).error).toBeUndefined();
  });

  it('names the rule, or has it follow from a setting', () => {
    const rule = (settings: object) => ruleOf(parse({ ...off, ...settings }).data!);
    expect(rule({})).toBe('redi');
    expect(rule({ match_length: 0.25 })).toBe('matched');
    expect(rule({ match_length: 0 })).toBe('matched');
    expect(rule({ rule: 'ablation' })).toBe('ablation');
  });
});
