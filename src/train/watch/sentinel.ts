/**
 * @file Tells apart how a run goes: healthy; both sides' log-probs fall together, which an objective with a negative side brings and
 * does no harm; collapse. Pure: from what was measured to a verdict and a sentence.
 *
 * The bounds come from published curves of 1.5 B models (REDI, arXiv 2505.24850, figures 3 to 7). The chosen side's log-prob per
 * token went from −0.36 to −0.51 in the best run, by 0.8 to 3 nats in runs that lost accuracy, and there the rejected side fell
 * hardly further: its fall exceeded the chosen side's by a tenth to a sixth of its own, against a third in the best run.
 */
import { z } from 'zod';

/** Means over a few steps of log-probs per token, in nats. */
const logps = z.strictObject({ chosen: z.number(), rejected: z.number().optional() });
export type Logps = z.output<typeof logps>;

const samples = z.strictObject({
  meanLength: z.number(),
  clippedRatio: z.number(),
  repetition: z.number(),
  /** Tokens of the data's own responses to the same prompts, those over the limit cut. */
  dataLength: z.number(),
});
export type Samples = z.output<typeof samples>;

const accuracy = z.strictObject({ mean: z.number(), standardError: z.number() });
export type Accuracy = z.output<typeof accuracy>;

/** What is known of a run at its start, and at a step; what is missing was not measured. */
export const signs = z.strictObject({
  logps: logps.optional(),
  samples: samples.optional(),
  accuracy: accuracy.optional(),
});
export type Signs = z.output<typeof signs>;

export const verdicts = ['healthy', 'benign decline', 'collapse'] as const;
export type Verdict = (typeof verdicts)[number];

/** Nats a token that the chosen side may fall: beyond it the model gives a token of a right answer half the chance it had. */
const COLLAPSE = Math.LN2;
/** From here on it is collapse where the objective no longer tells the sides apart. */
const SUSPECT = Math.LN2 / 2;
/** The least share of the rejected side's fall that the chosen side is to be spared. */
const LEAST_SPARED = 0.2;
/** A smaller fall is that of other rows. */
const DECLINE = 0.1;
/** Standard errors that accuracy has to fall to count as lower. */
const CLEARLY = 2;

export interface Judgement {
  verdict: Verdict;
  /** What was seen, without "step N". */
  sentence: string;
}

/**
 * Judges a run by what has become of its start.
 * @param collapsed whether it was called collapsed before: it has to come half the way back, so that the verdict does not change
 * with every step
 */
export function judge(start: Signs, now: Signs, collapsed = false): Judgement {
  const fall = fallsOf(start.logps, now.logps);
  const accuracy = changeOf(start.accuracy, now.accuracy);
  const seen = [logpsInWords(start.logps, now.logps), accuracy?.words].filter((text) => text !== undefined);
  const collapse = (why: string): Judgement => ({
    verdict: 'collapse',
    sentence: [`collapse: ${why}`, ...seen].join('; '),
  });

  const broken = brokenSamples(start.samples, now.samples);
  if (broken !== undefined) return collapse(broken);
  if (fall) {
    const { chosen, rejected } = fall;
    // Where accuracy is known and has not fallen, a fall of log-probs is what the objective asked for.
    if (!accuracy || accuracy.isLower) {
      if (rejected !== undefined && chosen > SUSPECT && rejected - chosen < LEAST_SPARED * rejected)
        return collapse('both sides fall together, and the margin hardly grows');
      if (chosen > (collapsed ? SUSPECT : COLLAPSE))
        return collapse(
          `the model gives a token of the right answers ${percent(Math.exp(-chosen))} of the chance it had`,
        );
      if (accuracy?.isLower && chosen > DECLINE)
        return collapse('the right answers lose and accuracy falls with them');
    }
    if (chosen > DECLINE && rejected !== undefined && rejected > 0)
      return {
        verdict: 'benign decline',
        sentence: [
          `benign decline: both sides' log-probs fall, as they do under an objective with a negative side, and the margin grows by ${nats(rejected - chosen)} nats a token`,
          ...seen,
        ].join('; '),
      };
  }
  return { verdict: 'healthy', sentence: ['healthy', ...seen].join('; ') };
}

/** By how much the log-probs have fallen; a number that is none is a fall without end. */
function fallsOf(start: Logps | undefined, now: Logps | undefined) {
  if (!start || !now) return undefined;
  const fall = (before: number, after: number) => (Number.isFinite(after) ? before - after : Infinity);
  return {
    chosen: fall(start.chosen, now.chosen),
    ...(start.rejected !== undefined &&
      now.rejected !== undefined && { rejected: fall(start.rejected, now.rejected) }),
  };
}

function changeOf(start: Accuracy | undefined, now: Accuracy | undefined) {
  if (!start || !now) return undefined;
  const error = Math.hypot(start.standardError, now.standardError);
  return {
    isLower: start.mean - now.mean > CLEARLY * error,
    words: `accuracy ${percent(start.mean)} at the start and ${percent(now.mean)} now`,
  };
}

/** What is wrong with samples, if anything: most began to repeat themselves, or hardly say anything any more. */
function brokenSamples(start: Samples | undefined, now: Samples | undefined): string | undefined {
  if (!start || !now) return undefined;
  if (now.repetition - start.repetition >= 0.5)
    return `${percent(now.repetition)} of small samples repeat themselves (${percent(start.repetition)} at the start)`;
  if (now.meanLength < Math.min(start.meanLength, now.dataLength) / 4)
    return `small samples have ${now.meanLength.toFixed(1)} tokens on average (${start.meanLength.toFixed(1)} at the start, ${now.dataLength.toFixed(1)} in the data)`;
  return undefined;
}

const nats = (value: number): string => value.toFixed(2).replace('-', '−');
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function logpsInWords(start: Logps | undefined, now: Logps | undefined): string | undefined {
  if (!start || !now) return undefined;
  const side = (name: string, before: number, after: number) => `${name} ${nats(before)} to ${nats(after)}`;
  const sides = [side('chosen', start.chosen, now.chosen)];
  if (start.rejected !== undefined && now.rejected !== undefined)
    sides.push(side('rejected', start.rejected, now.rejected));
  return `log-probs a token: ${sides.join(', ')}`;
}
