import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { Blockwise, dynamicMap } from './blockwise.js';
import { fromArray, toFloat64Array } from './data.js';
import { withoutKernels } from './fused.js';
import { AdamW } from './optim.js';
import * as ops from './ops.js';
import { liveTensors, scope } from './tensor.js';

/** torchao's AdamW8bit: test/oracles/adamw_8bit.py. */
const oracle = JSON.parse(
  readFileSync(new URL('../../test/fixtures/adamw_8bit.json', import.meta.url), 'utf8'),
) as {
  options: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  maps: { signed: number[]; unsigned: number[] };
  params: number[][];
  scales: { exp_avg: number[]; exp_avg_sq: number[] };
};
const COUNT = 64 * 64;
const numbers = (of: (i: number) => number, shape = [64, 64]) =>
  fromArray(
    Float32Array.from({ length: COUNT }, (_, i) => of(i)),
    shape,
  );

describe('numbers in 8 bits', () => {
  it('stand for the values that bitsandbytes and torchao give them', () => {
    for (const [isSigned, expected] of [
      [true, oracle.maps.signed],
      [false, oracle.maps.unsigned],
    ] as const) {
      const map = dynamicMap(isSigned);
      expect(new Set(map).size).toBe(256);
      map.forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6 * Math.abs(expected[i]!) + 1e-30);
      });
    }
  });

  it.each([true, false])('are the nearest that there are to what is written (signed: %s)', (isSigned) => {
    scope(() => {
      const random = new Random(5);
      const values = Float32Array.from({ length: 4 * 256 }, (_, i) => {
        if (i < 256) return 0;
        const value = 10 ** (-9 * random.nextFloat()) * 10 ** ((i >> 8) * 4 - 8);
        return isSigned && random.nextFloat() < 0.5 ? -value : value;
      });
      using kept = new Blockwise(values.length, isSigned, 'cpu');
      kept.write(0, fromArray(values));
      const found = toFloat64Array(kept.read(0, values.length));
      const map = dynamicMap(isSigned);
      for (let block = 0; block < 4; block++) {
        const its = values.subarray(256 * block, 256 * (block + 1));
        const scale = Math.max(...its.map(Math.abs));
        expect(toFloat64Array(kept.scales)[block]).toBe(scale);
        its.forEach((value, i) => {
          const read = found[256 * block + i]!;
          const nearest = Math.min(...Array.from(map, (share) => Math.abs(share * scale - value)));
          // None above zero becomes zero.
          if (!isSigned && value > 0 && value < 2e-7 * scale) expect(read).toBeGreaterThan(0);
          else expect(Math.abs(read - value)).toBeLessThanOrEqual(nearest * (1 + 1e-3) + 1e-7 * scale);
        });
      }
      kept.write(256, kept.read(256, 256));
      expect(toFloat64Array(kept.read(0, 512))).toEqual(found.slice(0, 512));
    });
  });

  it('are zeros at the beginning', () => {
    scope(() => {
      for (const isSigned of [true, false]) {
        using kept = new Blockwise(512, isSigned, 'cpu');
        expect(new Set(toFloat64Array(kept.read(0, 512)))).toEqual(new Set([0]));
      }
    });
  });
});

describe('AdamW with moments in 8 bits', () => {
  const { lr, weight_decay: weightDecay, ...rest } = oracle.options;
  const options = { ...rest, weightDecay, moments: '8bit' as const };
  const gradients = (step: number) =>
    numbers((i) => Math.sin(1.3 * i + 2.5 * step) * 10 ** (-1 - ((i * 7) % 11) / 5));

  it.each([
    [
      'in one pass',
      (act: () => void) => {
        act();
      },
    ],
    ["in libtorch's kernel", withoutKernels],
  ] as const)('updates as torchao: %s', (_, within) => {
    within(() => {
      scope(() => {
        const param = numbers((i) => Math.cos(0.37 * i));
        const copy = ops.toDtype(param, 'bf16');
        using optimizer = new AdamW([param], options);
        const live = liveTensors();
        oracle.params.forEach((expected, step) => {
          scope(() => {
            const grad = gradients(step);
            const before = ops.clone(param);
            optimizer.update([grad], lr, { factor: 1, copies: [copy] });
            expect(new Set(toFloat64Array(grad))).toEqual(new Set([0]));
            const found = toFloat64Array(param).filter((_, i) => i % 13 === 0);
            const apart = expected.map((value, i) => Math.abs(value - found[i]!));
            // Both round half-way cases as they come, so that a few differ by a place in the map and stay apart.
            expect(apart.filter((difference) => difference > 1e-6).length).toBeLessThan(expected.length / 20);
            expect(Math.max(...apart)).toBeLessThan(lr / 10);
            expect(toFloat64Array(copy)).toEqual(toFloat64Array(ops.toDtype(param, 'bf16')));
            const norm = ops.norm(ops.sub(param, before)).item();
            expect(Math.abs(optimizer.updateNorm(lr) - norm)).toBeLessThan(0.02 * norm);
          });
        });
        expect(liveTensors()).toBe(live);
        const { expAvg, expAvgSq } = optimizer.scales.get(0)!;
        for (const [scales, expected] of [
          [expAvg, oracle.scales.exp_avg],
          [expAvgSq, oracle.scales.exp_avg_sq],
        ] as const)
          toFloat64Array(scales).forEach((scale, i) => {
            expect(Math.abs(scale / expected[i]! - 1)).toBeLessThan(0.02);
          });
      });
    });
  });

  it('takes a quarter of the memory, and leaves vectors as they are', () => {
    scope(() => {
      using optimizer = new AdamW([numbers(() => 0), numbers(() => 0, [COUNT])], options);
      expect([...optimizer.expAvgs, ...optimizer.expAvgSqs].map(({ dtype }) => dtype)).toEqual([
        ...['u8', 'f32'],
        ...['u8', 'f32'],
      ]);
      expect([...optimizer.scales.keys()]).toEqual([0]);
      expect(optimizer.scales.get(0)!.expAvg.elements).toBe(COUNT / 256);
    });
  });

  it('finds the least of a bowl as nearly as with moments in float32', () => {
    /** Σ c·(w − 1)² / 2 over curvatures from 10⁻² to 1; returns its root mean square distance. */
    const distance = (moments: 'f32' | '8bit') =>
      scope(() => {
        const curvature = numbers((i) => 10 ** (-2 * ((i % 97) / 96)));
        const w = numbers((i) => Math.cos(i));
        using optimizer = new AdamW([w], { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, moments });
        for (let step = 0; step < 300; step++)
          scope(() => {
            optimizer.update([ops.mul(curvature, ops.addScalar(w, -1))], 0.02 * (1 - step / 300), {
              factor: 1,
            });
          });
        return ops.norm(ops.addScalar(w, -1)).item() / 64;
      });
    const [exact, narrow] = [distance('f32'), distance('8bit')];
    expect(exact).toBeLessThan(0.1);
    expect(narrow).toBeLessThan(1.5 * exact);
  });
});
