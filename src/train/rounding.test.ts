import { expect, it } from 'vitest';
import { roundingOf } from './rounding.js';

/** A number that bf16 has and the next one, by the bits of a float32. */
function inBf16(x: number): [number, number] {
  const [high] = new Uint16Array(Float32Array.of(x).buffer).subarray(1) as unknown as [number];
  const of = (bits: number) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
  return [of(high), of(high + 1)];
}

it('in bf16 large logits may be two of its steps apart, and no more than four', () => {
  for (const some of [17, 24.3, 31.9, 32, 40, 63.9, 100]) {
    const [logit, next] = inBf16(some);
    const { logps } = roundingOf('bf16', logit);
    expect(logps / (next - logit)).toBeGreaterThanOrEqual(2);
    expect(logps / (next - logit)).toBeLessThanOrEqual(4);
  }
});

it('small logits and other dtypes have the bounds that they have anyway', () => {
  expect(roundingOf('bf16', 1)).toEqual(roundingOf('bf16'));
  expect(roundingOf('f32', 100)).toEqual(roundingOf('f32'));
});
