import { afterEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../util/errors.js';
import { explain } from './errors.js';
import { native } from './native.js';
import { noCuda } from './noCuda.js';
import { openDevice } from './runtime.js';

/** What the addon throws, as `native` passes it on. */
const thrown = (name: string, message: string, code = 'ERR_TORCH') =>
  explain(name, Object.assign(new Error(message), { code }));

const DRIVER =
  'Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx';
const OLD_DRIVER =
  'The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver by downloading and ' +
  'installing a new version from the URL: http://www.nvidia.com/Download/index.aspx Alternatively, go to: ' +
  'https://pytorch.org to install a PyTorch version that has been compiled with your version of the CUDA driver.';
const KERNEL =
  "CUDA error: no kernel image is available for execution on the device\nSearch for `cudaErrorNoKernelImageForDevice' in …";

const sentences = {
  driver: 'no CUDA device on this machine: it has no NVIDIA driver. Install one, or use device cpu.',
  oldDriver:
    "CUDA cannot be used: this machine's NVIDIA driver knows CUDA up to 12.2, and libtorch was built for a later one. " +
    'Update the driver, or use device cpu.',
  kernel:
    'CUDA cannot be used: this libtorch was not built for a GPU of this kind. Set LIBTORCH to one that was, or use device cpu.',
  library:
    'CUDA cannot be used: loadLibrary: libc10_cuda.so: cannot open shared object file: No such file or directory; run `redistill setup --cuda`',
};
const library = thrown(
  'loadLibrary',
  'libc10_cuda.so: cannot open shared object file: No such file or directory',
  'ERR_LIBRARY',
);

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('noCuda', () => {
  it.each<[string, unknown, string]>([
    ['no driver', thrown('deviceCount', DRIVER), sentences.driver],
    ['a driver that is too old', thrown('deviceCount', OLD_DRIVER), sentences.oldDriver],
    ['a GPU without kernels', thrown('aten::ones', KERNEL), sentences.kernel],
    ['a library that is missing', library, sentences.library],
    [
      'no GPU',
      thrown('deviceCount', 'No CUDA GPUs are available'),
      'no CUDA device on this machine: use device cpu',
    ],
    [
      'a driver that does not start',
      thrown('deviceCount', 'CUDA driver initialization failed, you might not have a CUDA gpu.'),
      'CUDA cannot be used (CUDA driver initialization failed, you might not have a CUDA gpu.): use device cpu',
    ],
    [
      'what nobody has seen',
      thrown('setDevice', 'CUDA error: out of paper\nCUDA kernel errors might be …'),
      'CUDA cannot be used (CUDA error: out of paper): use device cpu',
    ],
  ])('%s', (_, fault, sentence) => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined);
    const error = noCuda(fault);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toBe(sentence);
    expect(error.cause).toBe(fault);
  });

  it('names the setting that hides GPUs', () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
    expect(noCuda(thrown('deviceCount', 'No CUDA GPUs are available')).message).toBe(
      'no CUDA device on this machine that CUDA_VISIBLE_DEVICES="" lets be seen: use device cpu',
    );
  });
});

describe('openDevice', () => {
  const raise = (fault: unknown) => () => {
    throw fault as Error;
  };

  it.each<[string, () => number, string]>([
    ['there is no driver', raise(thrown('deviceCount', DRIVER)), sentences.driver],
    ['the driver is too old', raise(thrown('deviceCount', OLD_DRIVER)), sentences.oldDriver],
  ])('says why where %s, at the first time and the next', (_, count, sentence) => {
    const load = vi.spyOn(native, 'loadLibrary').mockReturnValue();
    vi.spyOn(native, 'deviceCount').mockImplementation(count);
    for (let time = 0; time < 2; time++)
      expect(() => {
        openDevice('cuda');
      }).toThrow(new UserError(sentence));
    const both = ['libc10_cuda.so', 'libtorch_cuda.so'];
    expect(load.mock.calls.flat()).toEqual([...both, ...both]);
  });

  it.each<[string, () => number]>([
    ['not there', () => 0],
    // libtorch 2.12 beside an incomplete CUDA: libc10_cuda.so is loaded, and libtorch_cuda.so cannot be.
    ['there in part', raise(thrown('deviceCount', 'Cannot initialize CUDA without ATen_cuda library.'))],
  ])('says that the libraries are %s', (_, count) => {
    vi.spyOn(native, 'deviceCount').mockImplementation(count);
    vi.spyOn(native, 'loadLibrary').mockImplementation(raise(library));
    expect(() => {
      openDevice('cuda');
    }).toThrow(new UserError(sentences.library));
  });

  it('computes something, where a GPU without kernels shows itself', () => {
    vi.spyOn(native, 'loadLibrary').mockReturnValue();
    vi.spyOn(native, 'deviceCount').mockReturnValue(2);
    const set = vi.spyOn(native, 'setDevice').mockReturnValue();
    const call = vi
      .spyOn(native, 'call')
      .mockImplementation(raise(Object.assign(new Error(KERNEL), { code: 'ERR_TORCH' })));
    expect(() => {
      openDevice('cuda:1');
    }).toThrow(new UserError(sentences.kernel));
    expect(set.mock.calls).toEqual([['cuda:1']]);
    expect(call).toHaveBeenCalledOnce();
    expect(() => {
      openDevice('cuda:2');
    }).toThrow('device cuda:2 does not exist: this machine has 2 CUDA devices');
  });
});
