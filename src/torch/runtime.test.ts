import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { typescriptWorker } from '../../test/support/workers.js';
import { UserError } from '../util/errors.js';
import { fromArray, indices, toBytes, toFloat64Array } from './data.js';
import { native } from './native.js';
import * as ops from './ops.js';
import {
  deterministically,
  memoryStats,
  openDevice,
  rngState,
  seed,
  setRngState,
  setThreads,
  threads,
  torchVersion,
} from './runtime.js';
import { liveTensors, scope, Tensor } from './tensor.js';

describe('the random generator', () => {
  const draw = () => scope(() => [...toFloat64Array(ops.randn([5], { dtype: 'f64' }))]);

  it('repeats after a seed', () => {
    seed(7);
    const first = draw();
    const second = draw();
    expect(second).not.toEqual(first);
    seed(7);
    expect([draw(), draw()]).toEqual([first, second]);
  });

  it('goes on from a saved state', () => {
    seed(7);
    const state = rngState('cpu');
    const first = draw();
    draw();
    setRngState('cpu', state);
    expect(draw()).toEqual(first);
    expect(state.dtype).toBe('u8');
    state.dispose();
  });

  it('draws what PyTorch draws', () => {
    // torch.manual_seed(0); torch.rand(3)
    seed(0);
    const values = scope(() => [...toFloat64Array(ops.rand([3], { dtype: 'f32' }))]);
    expect(values.map((value) => value.toFixed(4))).toEqual(['0.4963', '0.7682', '0.0885']);
  });
});

describe('deterministic results', () => {
  /** An operator of which libtorch says that it has no order of its own. */
  const put = () => {
    scope(() => {
      const [x, at, values] = [ops.zeros([3], { dtype: 'f32' }), indices([1]), fromArray(Float32Array.of(5))];
      native.call(native.resolve('aten::put_')!, x.handle, at.handle, values.handle, false);
      expect([...toFloat64Array(x)]).toEqual([0, 5, 0]);
    });
  };

  it('are asked of libtorch while the work runs, and no longer', async () => {
    put();
    const result = await deterministically(async () => {
      expect(put).toThrow(/does not have a deterministic implementation/);
      await Promise.resolve();
      expect(native.isDeterministic()).toBe(true);
      return 7;
    });
    expect(result).toBe(7);
    put();
    await expect(deterministically(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(native.isDeterministic()).toBe(false);
    expect(process.env.CUBLAS_WORKSPACE_CONFIG).toMatch(/^:/);
  });
});

describe('a worker thread', () => {
  it('shares tensors with this one and has its own number of threads', async () => {
    setThreads(2);
    const before = liveTensors();
    const x = fromArray(Float32Array.of(1, 2, 3));
    x.requiresGrad = true;
    const file = new URL('../../test/programs/torchWorker.ts', import.meta.url);
    const worker = typescriptWorker(file, { handle: x.handle });
    const exited = once(worker, 'exit');
    const [message] = (await once(worker, 'message')) as [
      { threads: number; made: number; borrowed: number },
    ];
    await exited;
    expect(message.threads).toBe(1);
    expect(threads()).toBe(2);
    scope(() => {
      expect([...toFloat64Array(x.grad!)]).toEqual([2, 4, 6]);
    });
    const made = new Tensor(message.made);
    expect([...toFloat64Array(made)]).toEqual([5, 5, 5]);
    for (const tensor of [x, made, new Tensor(message.borrowed)]) tensor.dispose();
    expect(liveTensors()).toBe(before);
  });
});

describe('devices', () => {
  it('count resident memory on the CPU', () => {
    const before = memoryStats('cpu');
    const megabyte = 2 ** 20;
    const tensor = ops.full([64, megabyte], 1, { dtype: 'u8' });
    const after = memoryStats('cpu');
    expect(after.allocated - before.allocated).toBeGreaterThan(48 * megabyte);
    expect(after.peakAllocated).toBeGreaterThanOrEqual(after.allocated);
    expect(Math.abs(after.allocated - process.memoryUsage.rss())).toBeLessThan(32 * megabyte);
    expect(toBytes(tensor)[5]).toBe(1);
    tensor.dispose();
  });

  it('are refused in a sentence where they do not exist', () => {
    openDevice('cpu');
    const message = (device: string) => {
      try {
        openDevice(device);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        return (error as Error).message;
      }
      return 'opened';
    };
    expect(message('tpu')).toBe('device "tpu" is not known: use cpu, cuda or cuda:N');
    expect(message('cuda:x')).toContain('is not known');
    const cuda = message('cuda:99');
    expect(cuda).toMatch(/no CUDA device|CUDA cannot be used|does not exist/);
    expect(cuda).not.toContain('\n');
    seed(1); // after which libtorch looks for its CUDA half no more
    expect(message('cuda:99')).toBe(cuda);
    expect(cuda).not.toContain('ATen_cuda');
  });

  it('say which libtorch it is', () => {
    expect(torchVersion()).toMatch(/^2\.\d+\.\d+/);
  });
});
