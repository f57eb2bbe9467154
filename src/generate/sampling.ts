/** @file Chooses the next token of each row from its logits. */
import { fromArray, indices, toFloat64Array, toInt32Array } from '../torch/data.js';
import { softmaxKernel } from '../torch/fused.js';
import { hasChoice } from '../torch/decoding.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';

export interface SamplingOptions {
  /** 0 takes the most probable token; otherwise at least 0.01, below which float32 logits overflow. */
  temperature: number;
  /** Sample from the smallest set of most probable tokens that holds this much probability; in (0, 1]. */
  topP: number;
}

/** @throws UserError for a temperature or top-p that is not possible */
export function checkSampling({ temperature, topP }: SamplingOptions): void {
  if (!(temperature === 0 || (temperature >= 0.01 && temperature < Infinity)))
    throw new UserError(`temperature must be 0 (greedy) or at least 0.01, not ${temperature}`);
  if (!(topP > 0 && topP <= 1)) throw new UserError(`top-p must be above 0 and at most 1, not ${topP}`);
}

/** Elements of the cumulative sums that are in memory at once, in float64 (64 MiB). */
const CHUNK_ELEMENTS = 2 ** 23;

/**
 * One token a row of `logits` ([rows, vocab]). A row is sampled by inverting its cumulative distribution
 * in the order of the vocabulary at `uniforms[row]`, so that its token depends on nothing but its logits and that
 * number. Only the tokens leave the device.
 * @param uniforms in [0, 1), one a row, with all 53 bits: every token whose probability is above 2⁻⁵² can be drawn
 * @throws UserError where logits are not finite
 */
export function chooseTokens(logits: Tensor, options: SamplingOptions, uniforms: Float64Array): Int32Array {
  return scope(() => {
    if (!hasChoice(logits)) return chooseComposed(logits, options, uniforms);
    const { temperature, topP } = options;
    const tokens = toInt32Array(ops.choose(logits, fromArray(uniforms), temperature, topP));
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
function chooseComposed(given: Tensor, options: SamplingOptions, uniforms: Float64Array): Int32Array {
  return scope(() => {
    const logits = given.dtype === 'f64' ? given : ops.toDtype(given, 'f32');
    const [largest, best] = ops.maxDim(logits, -1, true);
    if (!toFloat64Array(largest).every(Number.isFinite)) throw notFinite();
    if (options.temperature === 0) return toInt32Array(best);

    const all = ops.softmax(ops.divScalar(ops.sub(logits, largest), options.temperature), -1);
    const kept = options.topP < 1 ? nucleus(all, options.topP) : all;
    const drawn = ops.toDevice(fromArray(uniforms, [uniforms.length, 1]), logits.device, 'f64');
    const [rows, vocab] = [logits.size(0), logits.size(1)];
    const step = Math.max(1, Math.floor(CHUNK_ELEMENTS / vocab));
    const tokens = Array.from({ length: Math.ceil(rows / step) }, (_, chunk) => {
      const part = (tensor: Tensor) =>
        ops.narrow(tensor, 0, chunk * step, Math.min(step, rows - chunk * step));
      return scope(() => {
        const { cumulative, total } = cumulate(part(kept));
        // The first whose sum passes the target; tokens without probability are passed over.
        return ops.searchsorted(cumulative, ops.mul(part(drawn), total), { right: true });
      });
    });
    return toInt32Array(ops.cat(tokens));
  });
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
 * The probabilities (rows sum to 1) with those outside the nucleus set to 0 (Holtzman et al. 2020, arXiv:1904.09751).
 * Tokens as probable as the last one of the nucleus stay, which makes it independent of how a sort breaks ties.
 */
function nucleus(probabilities: Tensor, topP: number): Tensor {
  const [rows, vocab] = [probabilities.size(0), probabilities.size(1)];
  const thresholds = new Float64Array(rows);
  // A full sort of the vocabulary costs more than the model; most rows need few candidates, and only the others go on.
  let open = Array.from({ length: rows }, (_, row) => row);
  for (let count = FIRST_CANDIDATES; open.length > 0; count *= 16) {
    const k = Math.min(count, vocab);
    scope(() => {
      const part =
        open.length === rows
          ? probabilities
          : ops.indexSelect(probabilities, 0, indices(open, probabilities.device));
      const [candidates] = ops.topk(part, k, -1, true, true);
      const sums = ops.cumsum(candidates, -1, { dtype: 'f64' });
      const inside = ops.sumDim(ops.ltScalar(ops.sub(sums, candidates), topP), [-1], true);
      const smallest = toFloat64Array(ops.gather(candidates, -1, ops.addScalar(inside, -1)));
      const held = toFloat64Array(ops.narrow(sums, -1, k - 1, 1));
      open.forEach((row, i) => (thresholds[row] = smallest[i]!));
      open = open.filter((_, i) => k < vocab && held[i]! < topP);
    });
  }
  const threshold = ops.toDevice(fromArray(thresholds, [rows, 1]), probabilities.device, probabilities.dtype);
  return ops.mul(probabilities, ops.ge(probabilities, threshold));
}
