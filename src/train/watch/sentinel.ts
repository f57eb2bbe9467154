/**
 * @file Tells apart how a run goes: healthy; both sides' log-probs fall together, which an objective with a negative side brings and
 * does no harm; collapse. Pure: from what was measured to a verdict and a sentence.
 *
 * The bounds come from published curves of 1.5 B models (REDI, arXiv 2505.24850, figures 3 to 7). The chosen side's log-prob per
 * token went from −0.36 to −0.51 in the best run, by 0.8 to 3 nats in runs that lost accuracy, and there the rejected side fell
 * hardly further: its fall exceeded the chosen side's by a tenth to a sixth of its own, against a third in the best run. A few runs
 * fell by 1.1 to 1.5 nats and gained accuracy: only accuracy tells them apart, where it is measured on problems enough.
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

/** The share of right responses to so many problems, one each. */
const accuracy = z.strictObject({ mean: z.number(), problems: z.int().positive() });
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
/** From here on it is collapse where the objective does not, or no longer, tell the sides apart. */
const SUSPECT = Math.LN2 / 2;
/** The least share of the rejected side's fall that the chosen side is to be spared. */
const LEAST_SPARED = 0.2;
/** A smaller fall is that of other rows. */
const DECLINE = 0.1;
/** Standard errors that accuracy has to fall to count as lower. */
const CLEARLY = 2;
/** The share of its accuracy that a model may lose unseen by problems that are to acquit it. */
const LEAST_SEEN = 1 / 4;
/** Of the small samples, those that have to begin to repeat themselves: half of the others, and three of eight. */
const REPEATS = { ofOthers: 1 / 2, ofAll: 3 / 8 };

export interface Judgement {
  verdict: Verdict;
  /** What was seen, without "step N". */
  sentence: string;
}

/**
 * Judges a run by what has become of its start. Accuracy that is no lower than at the start acquits what log-probs accuse, where it is
 * that of problems enough.
 * @param collapsed whether it was called collapsed before: it has to come half the way back, so that the verdict does not change
 * with every step
 */
export function judge(start: Signs, now: Signs, collapsed = false): Judgement {
  const falls = fallsOf(start.logps, now.logps);
  const accuracy = changeOf(start.accuracy, now.accuracy);
  const seen = [logpsInWords(start.logps, now.logps), accuracy?.words];
  const say = (verdict: Verdict, first: string): Judgement => ({
    verdict,
    sentence: [first, ...seen].filter((text) => text !== undefined).join('; '),
  });

  const broken = brokenSamples(start.samples, now.samples);
  if (broken !== undefined) return say('collapse', `collapse: ${broken}`);
  if (falls) {
    const accused = accusationOf(falls, collapsed);
    if (accused !== undefined && accuracy && !accuracy.canAcquit)
      seen.push('too few right answers to acquit');
    if (accused !== undefined && !accuracy?.acquits) return say('collapse', `collapse: ${accused}`);
    const { chosen, rejected = 0 } = falls;
    if (accuracy?.isLower && chosen > DECLINE)
      return say('collapse', `collapse: ${nameOf(falls)} lose and accuracy falls with them`);
    if (accused !== undefined || (chosen > DECLINE && rejected > 0))
      return say(
        'benign decline',
        `benign decline: ${declineInWords(falls)}${accused === undefined ? '' : ', and accuracy is no lower than at the start'}`,
      );
  }
  return say('healthy', accuracy?.isLower ? 'healthy but for accuracy, which is lower' : 'healthy');
}

/** Nats a token by which the sides have fallen. */
interface Falls {
  chosen: number;
  rejected?: number;
}

function fallsOf(start: Logps | undefined, now: Logps | undefined): Falls | undefined {
  if (!start || !now) return undefined;
  const chosen = start.chosen - now.chosen;
  if (start.rejected === undefined || now.rejected === undefined) return { chosen };
  return { chosen, rejected: start.rejected - now.rejected };
}

/** What log-probs say against a run, if anything. */
function accusationOf(falls: Falls, collapsed: boolean): string | undefined {
  const { chosen, rejected } = falls;
  if (rejected !== undefined && chosen > DECLINE && rejected <= 0 && chosen - rejected > 2 * DECLINE)
    return 'the right answers lose and the wrong ones do not';
  if (rejected !== undefined && chosen > SUSPECT && rejected - chosen < LEAST_SPARED * rejected)
    return `both sides fall together, and the margin ${chosen > rejected ? 'shrinks' : 'hardly grows'}`;
  // With one side there is nothing that its fall could be the price of.
  if (chosen > (collapsed || rejected === undefined ? SUSPECT : COLLAPSE))
    return `the model gives a token of ${nameOf(falls)} ${percent(Math.exp(-chosen))} of the chance it had`;
  return undefined;
}

const nameOf = ({ rejected }: Falls): string =>
  rejected === undefined ? "the data's answers" : 'the right answers';

function declineInWords(falls: Falls): string {
  const { chosen, rejected } = falls;
  if (rejected === undefined || rejected <= 0) return `the log-prob of ${nameOf(falls)} falls`;
  if (chosen > rejected)
    return `both sides' log-probs fall, and the margin shrinks by ${nats(chosen - rejected)} nats a token`;
  return `both sides' log-probs fall, as they do under an objective with a negative side, and the margin grows by ${nats(rejected - chosen)} nats a token`;
}

function changeOf(start: Accuracy | undefined, now: Accuracy | undefined) {
  if (!start || !now) return undefined;
  // The loss of a quarter would be seen: it is more than two standard errors of a difference.
  const canAcquit = CLEARLY * Math.SQRT2 * errorOf(start) < LEAST_SEEN * start.mean;
  return {
    isLower: start.mean - now.mean > CLEARLY * Math.hypot(errorOf(start), errorOf(now)),
    canAcquit,
    acquits: canAcquit && now.mean >= start.mean,
    words: `accuracy ${percent(start.mean)} at the start and ${percent(now.mean)} now`,
  };
}

/** The standard error, by Laplace's rule: that none or all of a few were right does not make it 0. */
function errorOf({ mean, problems }: Accuracy): number {
  const share = (mean * problems + 1) / (problems + 2);
  return Math.sqrt((share * (1 - share)) / problems);
}

/** What is wrong with samples, if anything: most began to repeat themselves, or hardly say anything any more. */
function brokenSamples(start: Samples | undefined, now: Samples | undefined): string | undefined {
  if (!start || !now) return undefined;
  const more = now.repetition - start.repetition;
  if (more >= Math.max(REPEATS.ofAll, REPEATS.ofOthers * (1 - start.repetition)))
    return `${percent(now.repetition)} of small samples repeat themselves (${percent(start.repetition)} at the start)`;
  if (now.meanLength < Math.min(start.meanLength, now.dataLength) / 4)
    return `small samples have ${now.meanLength.toFixed(1)} tokens on average (${start.meanLength.toFixed(1)} at the start, ${now.dataLength.toFixed(1)} in the data)`;
  return undefined;
}

const nats = (value: number): string => value.toFixed(2).replace('-', '−');

const percent = (share: number): string =>
  share > 0 && share < 0.001 ? 'less than 0.1 %' : `${(100 * share).toFixed(1)} %`;

function logpsInWords(start: Logps | undefined, now: Logps | undefined): string | undefined {
  if (!start || !now) return undefined;
  const side = (name: string, before: number, after: number) => `${name} ${nats(before)} to ${nats(after)}`;
  if (start.rejected === undefined || now.rejected === undefined)
    return `log-prob a token: ${nats(start.chosen)} to ${nats(now.chosen)}`;
  return `log-probs a token: ${side('chosen', start.chosen, now.chosen)}, ${side('rejected', start.rejected, now.rejected)}`;
}
