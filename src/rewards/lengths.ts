/** @file Shapes rewards by the lengths of samples. */
import type { Sample } from './sample.js';

/**
 * Multiplies each reward by ½ + ¼·(1 + cos(π·min(length, longest)/longest)), which falls from 1 to ½: a right sample has more
 * for being short and a wrong one loses less for being long (arXiv 2502.03373, with the ends of Open-R1's cosine reward: 1 to
 * 0.5 and −1 to −0.5 for rewards of 1 and −1).
 */
export const cosineLength = (
  rewards: readonly number[],
  group: readonly Sample[],
  longest: number,
): number[] =>
  rewards.map((reward, i) => {
    const share = Math.min(group[i]!.length / longest, 1);
    return reward * (0.5 + 0.25 * (1 + Math.cos(Math.PI * share)));
  });

/**
 * Adds weight·λ to the reward of a right sample and weight·min(0, λ) to that of a wrong one, with λ = ½ − (length −
 * shortest)/(longest − shortest) in the group; nothing where all are equally long (Kimi k1.5, arXiv 2501.12599, section
 * 2.3.3).
 */
export function groupLength(rewards: readonly number[], group: readonly Sample[], weight: number): number[] {
  const lengths = group.map(({ length }) => length);
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
  if (shortest === longest) return [...rewards];
  return rewards.map((reward, i) => {
    const lambda = 0.5 - (lengths[i]! - shortest) / (longest - shortest);
    return reward + weight * (group[i]!.right ? lambda : Math.min(0, lambda));
  });
}

/** DAPO's penalty grows over this part of the longest length: 4,096 of 20,480 tokens. */
const PARTS = 5;

/**
 * Adds DAPO's soft penalty for length: 0 up to four fifths of the longest length, −1 beyond it, a straight line between
 * (arXiv 2503.14476, Eq. 13).
 */
export const overlong = (rewards: readonly number[], group: readonly Sample[], longest: number): number[] =>
  rewards.map((reward, i) => {
    const growth = longest / PARTS;
    return reward - Math.min(Math.max((group[i]!.length - (longest - growth)) / growth, 0), 1);
  });
