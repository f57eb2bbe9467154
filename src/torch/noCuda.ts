/** @file Says in a sentence why CUDA cannot be used, of what the loader or libtorch says. Touches neither. */
import { messageOf, UserError } from '../util/errors.js';
import { TorchError } from './errors.js';

/** What libtorch says (c10/cuda/CUDAFunctions.cpp), and what it means for who reads it. */
const REASONS: readonly [RegExp, (found: RegExpExecArray) => string][] = [
  [
    /no NVIDIA driver/i,
    () => 'no CUDA device on this machine: it has no NVIDIA driver. Install one, or use device cpu.',
  ],
  [
    /driver on your system is too old \(found version (\d+)\)/,
    ([, version]) =>
      `CUDA cannot be used: this machine's NVIDIA driver knows CUDA up to ${versionOf(Number(version))}, and libtorch was ` +
      'built for a later one. Update the driver, or use device cpu.',
  ],
  [
    /no kernel image is available/,
    () =>
      'CUDA cannot be used: this libtorch was not built for a GPU of this kind. Set LIBTORCH to one that was, or use device cpu.',
  ],
  [/No CUDA GPUs are available/, () => `no CUDA device on this machine${hidden()}: use device cpu`],
];

/** Returns the error for who asked for CUDA where `fault` came of it. */
export function noCuda(fault: unknown): UserError {
  const message = messageOf(fault);
  const options = { cause: fault };
  if (fault instanceof TorchError && fault.code === 'ERR_LIBRARY')
    return new UserError(`CUDA cannot be used: ${message}; run \`redistill setup --cuda\``, options);
  for (const [pattern, sentence] of REASONS) {
    const found = pattern.exec(message);
    if (found) return new UserError(sentence(found), options);
  }
  const own = fault instanceof TorchError && fault.cause !== undefined ? messageOf(fault.cause) : message;
  return new UserError(`CUDA cannot be used (${own.split('\n', 1)[0]!}): use device cpu`, options);
}

/** CUDA's number of a version, as people write it: 12020 is 12.2. */
const versionOf = (number: number): string =>
  `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;

/** The user's own setting may hide the devices that there are. */
function hidden(): string {
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  return visible === undefined ? '' : ` that CUDA_VISIBLE_DEVICES="${visible}" lets be seen`;
}
