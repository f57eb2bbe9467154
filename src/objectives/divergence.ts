/** @file Computes divergences of a student from a teacher of whom a few probabilities are known, with the student's derivative. */

/** What is left beside the listed tokens counts as nothing below this, the least that TRL's `loss_add_tail` takes for it. */
const LEAST = 1e-7;

/** Probabilities of the listed tokens and, last, of all others together; `logp` of what is nothing is log 1e-7. */
interface Classes {
  p: Float64Array;
  logp: Float64Array;
}

/** Which divergence, between KL(ν ‖ π) at β = 0 and KL(π ‖ ν) at β = 1, of probabilities to the power 1/temperature. */
export interface DivergenceKind {
  beta: number;
  temperature: number;
}

/**
 * Computes the divergence of a student π from a teacher ν over the listed tokens and, as one more class, all others. Between the
 * ends it is β·KL(ν ‖ m) + (1 − β)·KL(π ‖ m) with m = βν + (1 − β)π.
 * @param teacher natural log-probs of different tokens, and `student` those of the same
 * @returns the loss, and its derivative by each of the student's
 */
export function divergence(
  teacher: Float64Array,
  student: Float64Array,
  { beta, temperature }: DivergenceKind,
): { loss: number; slopes: Float64Array } {
  const own = classesOf(student);
  const [nu, pi] = [classesOf(teacher), own].map((classes) => tempered(classes, temperature)) as [
    Classes,
    Classes,
  ];
  const { loss, slopes } =
    beta === 0 ? forward(nu, pi) : beta === 1 ? reverse(nu, pi) : between(nu, pi, beta);
  if (temperature !== 1) {
    const total = slopes.reduce((sum, slope) => sum + slope, 0);
    slopes.forEach((slope, c) => (slopes[c] = (slope - pi.p[c]! * total) / temperature));
  }
  // What all others have is what the listed leave.
  const [rest, slope] = [own.p.at(-1)!, slopes.at(-1)!];
  const ratio = rest > 0 ? slope / rest : 0;
  return { loss, slopes: slopes.subarray(0, -1).map((value, c) => value - ratio * own.p[c]!) };
}

function classesOf(logps: Float64Array): Classes {
  const p = new Float64Array(logps.length + 1);
  const logp = new Float64Array(logps.length + 1);
  let rest = 1;
  logps.forEach((value, c) => {
    logp[c] = value;
    rest -= p[c] = Math.exp(value);
  });
  p[logps.length] = rest >= LEAST ? rest : 0;
  logp[logps.length] = Math.log(Math.max(rest, LEAST));
  return { p, logp };
}

function tempered(classes: Classes, temperature: number): Classes {
  // Stryker disable next-line ConditionalExpression: to the power 1 all stays as it is, but for roundings.
  if (temperature === 1) return classes;
  const logp = classes.logp.map((value) => value / temperature);
  const p = logp.map((value, c) => (classes.p[c] === 0 ? 0 : Math.exp(value)));
  const total = p.reduce((sum, value) => sum + value, 0);
  return { p: p.map((value) => value / total), logp: logp.map((value) => value - Math.log(total)) };
}

interface Slopes {
  loss: number;
  /** By the student's log-prob of each class, up to a multiple of its probabilities: that their sum stays 1 takes it away. */
  slopes: Float64Array;
}

function forward(nu: Classes, pi: Classes): Slopes {
  let loss = 0;
  const slopes = nu.p.map((p, c) => {
    loss += p * (nu.logp[c]! - pi.logp[c]!);
    return -p;
  });
  return { loss, slopes };
}

function reverse(nu: Classes, pi: Classes): Slopes {
  let loss = 0;
  const slopes = pi.p.map((p, c) => {
    const gap = pi.logp[c]! - nu.logp[c]!;
    loss += p * gap;
    return p * gap;
  });
  return { loss, slopes };
}

function between(nu: Classes, pi: Classes, beta: number): Slopes {
  let loss = 0;
  const slopes = pi.p.map((p, c) => {
    const [teacher, middle] = [nu.p[c]!, Math.log(beta * nu.p[c]! + (1 - beta) * p)];
    if (teacher > 0) loss += beta * teacher * (nu.logp[c]! - middle);
    if (p === 0) return 0;
    loss += (1 - beta) * p * (pi.logp[c]! - middle);
    return (1 - beta) * p * (pi.logp[c]! - middle);
  });
  return { loss, slopes };
}
