/** @file Chooses the next token of each row from its logits. */
import { fromArray, indices, toFloat64Array, toInt32Array } from '../torch/data.js';
import { softmaxKernel } from '../torch/fused.js';
import { hasChoice } from '../torch/decoding.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import type { SamplingSettings } from '../teacher/settings.js';
import { UserError } from '../util/errors.js';

/** How a token of one row is drawn. */
export interface SamplingOptions {
  /** 0 takes the most probable token; otherwise at least 0.01, below which float32 logits overflow. */
  temperature: number;
  /** Sample from the smallest set of most probable tokens that holds this much probability; in (0, 1]. */
  topP: number;
  /** Sample from this many most probable tokens; 0 or none: from all. */
  topK?: number;
  /** Sample from tokens that have at least this share of the most probable one's probability; in [0, 1]. */
  minP?: number;
}

/** The options that settings name. */
export const samplingOf = (
  settings: Pick<SamplingSettings, 'temperature' | 'top_p' | 'top_k' | 'min_p'>,
): SamplingOptions => ({
  temperature: settings.temperature,
  topP: settings.top_p,
  ...(settings.top_k !== undefined && { topK: settings.top_k }),
  ...(settings.min_p !== undefined && { minP: settings.min_p }),
});

/** @throws UserError for a temperature, top-p, top-k or min-p that is not possible */
export function checkSampling({ temperature, topP, topK = 0, minP = 0 }: SamplingOptions): void {
  if (!(temperature === 0 || (temperature >= 0.01 && temperature < Infinity)))
    throw new UserError(`temperature must be 0 (greedy) or at least 0.01, not ${temperature}`);
  if (!(topP > 0 && topP <= 1)) throw new UserError(`top-p must be above 0 and at most 1, not ${topP}`);
  if (!(Number.isSafeInteger(topK) && topK >= 0))
    throw new UserError(`top-k must be a whole number of at least 0, not ${topK}`);
  if (!(minP >= 0 && minP <= 1)) throw new UserError(`min-p must be from 0 to 1, not ${minP}`);
}

/** Elements of the cumulative sums that are in memory at once, in float64 (64 MiB). */
const CHUNK_ELEMENTS = 2 ** 23;

/**
 * One token a row of `logits` ([rows, vocab]). A row is sampled by inverting its cumulative distribution
 * in the order of the vocabulary at `uniforms[row]`, so that its token depends on nothing but its logits, its options and that
 * number. Of the distribution at its temperature, min-p, top-k and top-p each keep a part of what the one before kept, as in vLLM;
 * tokens as probable as the last one that is kept stay. Only the tokens leave the device.
 * @param options one a row
 * @param uniforms in [0, 1), one a row, with all 53 bits: every token whose probability is above 2⁻⁵² can be drawn
 * @throws UserError where logits are not finite
 */
export function chooseTokens(
  logits: Tensor,
  options: readonly SamplingOptions[],
  uniforms: Float64Array,
): Int32Array {
  return scope(() => {
    if (!hasChoice(logits)) return chooseComposed(logits, options, uniforms);
    const ways = Float64Array.from(
      options.flatMap(({ temperature, topP, topK = 0, minP = 0 }) => [temperature, topP, topK, minP]),
    );
    const tokens = toInt32Array(
      ops.choose(logits, fromArray(uniforms), fromArray(ways, [options.length, 4])),
    );
    if (tokens.includes(-1)) throw notFinite();
    return tokens;
  });
}

const notFinite = () =>
  new UserError('the model computes logits that are not finite: its weights are damaged or diverged');

/**
 * The natural log-probs of one token a row of `logits` ([rows, vocab]) at temperature 1, as `score` computes them: in the
 * same way for the dtype and device, which for f32 on the CPU depends on the row alone.
 */
export function tokenLogps(logits: Tensor, tokens: Int32Array): Float64Array {
  return scope(() => {
    const targets = indices(tokens, logits.device);
    if (logits.dtype === 'f32' && logits.device === 'cpu')
      return toFloat64Array(ops.exactLogps(logits, targets));
    const column = ops.unsqueeze(targets, 1);
    if (softmaxKernel(logits, logits.size(1)) === 'narrow')
      return toFloat64Array(ops.targetLogps(logits, column));
    const wide = logits.dtype === 'f64' ? logits : ops.toDtype(logits, 'f32');
    return toFloat64Array(ops.gather(ops.logSoftmax(wide, -1), -1, column));
  });
}

/** The same from libtorch's operators, on every device. */
function chooseComposed(
  given: Tensor,
  options: readonly SamplingOptions[],
  uniforms: Float64Array,
): Int32Array {
  return scope(() => {
    const logits = given.dtype === 'f64' ? given : ops.toDtype(given, 'f32');
    const [largest, best] = ops.maxDim(logits, -1, true);
    if (!toFloat64Array(largest).every(Number.isFinite)) throw notFinite();
    const column = (values: readonly number[]) =>
      ops.toDevice(fromArray(Float64Array.from(values), [values.length, 1]), logits.device, logits.dtype);
    if (options.every(({ temperature }) => temperature === 0)) return toInt32Array(best);

    const temperatures = column(options.map(({ temperature }) => temperature || 1));
    const all = ops.softmax(ops.div(ops.sub(logits, largest), temperatures), -1);
    const drawnTokens = toInt32Array(draw(kept(all, options), uniforms));
    const likeliest = toInt32Array(best);
    return Int32Array.from(
      options,
      ({ temperature }, row) => (temperature === 0 ? likeliest : drawnTokens)[row]!,
    );
  });
}

/** Inverts the cumulative distribution of each row: i64[rows, 1]. */
function draw(probabilities: Tensor, uniforms: Float64Array): Tensor {
  const drawn = ops.toDevice(fromArray(uniforms, [uniforms.length, 1]), probabilities.device, 'f64');
  const [rows, vocab] = [probabilities.size(0), probabilities.size(1)];
  const step = Math.max(1, Math.floor(CHUNK_ELEMENTS / vocab));
  const tokens = Array.from({ length: Math.ceil(rows / step) }, (_, chunk) => {
    const part = (tensor: Tensor) => ops.narrow(tensor, 0, chunk * step, Math.min(step, rows - chunk * step));
    return scope(() => {
      const { cumulative, total } = cumulate(part(probabilities));
      // The first whose sum passes the target; tokens without probability are passed over.
      return ops.searchsorted(cumulative, ops.mul(part(drawn), total), { right: true });
    });
  });
  return ops.cat(tokens);
}

/** The probabilities (rows sum to 1) with those set to 0 that min-p, top-k or top-p leave out. */
function kept(probabilities: Tensor, options: readonly SamplingOptions[]): Tensor {
  const vocab = probabilities.size(1);
  const above = (tensor: Tensor, thresholds: Tensor) => ops.mul(tensor, ops.ge(tensor, thresholds));
  const asColumn = (values: Float64Array) =>
    ops.toDevice(fromArray(values, [values.length, 1]), probabilities.device, probabilities.dtype);
  let left = probabilities;
  if (options.some(({ minP = 0 }) => minP > 0)) {
    const [largest] = ops.maxDim(left, -1, true);
    left = above(left, ops.mul(largest, asColumn(Float64Array.from(options, ({ minP = 0 }) => minP))));
  }
  const counts = options.map(({ topK = 0 }) => (topK === 0 ? vocab : Math.min(topK, vocab)));
  const cut = counts.filter((count) => count < vocab);
  if (cut.length > 0) {
    const [candidates] = ops.topk(left, Math.max(...cut), -1, true, true);
    const last = counts.map((count) => (count < vocab ? count - 1 : 0));
    const least = toFloat64Array(ops.gather(candidates, -1, ops.unsqueeze(indices(last, left.device), 1)));
    left = above(left, asColumn(least.map((value, row) => (counts[row]! < vocab ? value : 0))));
  }
  const masses = Float64Array.from(options, ({ topP }) => topP);
  return masses.every((mass) => mass === 1) ? left : above(left, asColumn(nucleusThresholds(left, masses)));
}

/**
 * Adds up rows of probabilities in the order of the vocabulary: [rows, vocab] and its last column. In float64, where the
 * sum near 1 still has room for a probability of 10⁻¹⁵ and u · total is below total for every u below 1.
 */
export function cumulate(probabilities: Tensor): { cumulative: Tensor; total: Tensor } {
  const cumulative = ops.cumsum(probabilities, -1, { dtype: 'f64' });
  return { cumulative, total: ops.narrow(cumulative, -1, cumulative.size(-1) - 1, 1) };
}

const FIRST_CANDIDATES = 64;

/**
 * The least probability of each row's nucleus (Holtzman et al. 2020, arXiv:1904.09751), 0 where it holds everything. Tokens as
 * probable as it are inside too, which makes it independent of how a sort breaks ties.
 * @param masses the share of a row's sum that the nucleus holds
 */
function nucleusThresholds(probabilities: Tensor, masses: Float64Array): Float64Array {
  const vocab = probabilities.size(1);
  const totals = toFloat64Array(ops.sumDim(probabilities, [-1], false, { dtype: 'f64' }));
  const targets = masses.map((mass, row) => mass * totals[row]!);
  const thresholds = new Float64Array(masses.length);
  // A full sort of the vocabulary costs more than the model; most rows need few candidates, and only the others go on.
  let open = Array.from(masses.keys()).filter((row) => masses[row]! < 1);
  for (let count = FIRST_CANDIDATES; open.length > 0; count *= 16) {
    const k = Math.min(count, vocab);
    scope(() => {
      const { device } = probabilities;
      const part = ops.indexSelect(probabilities, 0, indices(open, device));
      const [candidates] = ops.topk(part, k, -1, true, true);
      const sums = ops.cumsum(candidates, -1, { dtype: 'f64' });
      const target = ops.toDevice(
        fromArray(
          Float64Array.from(open, (row) => targets[row]!),
          [open.length, 1],
        ),
        device,
        'f64',
      );
      const inside = ops.sumDim(ops.ltScalar(ops.sub(ops.sub(sums, candidates), target), 0), [-1], true);
      const smallest = toFloat64Array(ops.gather(candidates, -1, ops.addScalar(inside, -1)));
      const held = toFloat64Array(ops.narrow(sums, -1, k - 1, 1));
      open.forEach((row, i) => (thresholds[row] = smallest[i]!));
      open = open.filter((row, i) => k < vocab && held[i]! < targets[row]!);
    });
  }
  return thresholds;
}
