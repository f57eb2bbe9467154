/**
 * @file Exports tensors, operators, gradients, the optimizer and safetensors. Loads libtorch, which `redistill setup` provides;
 * this is `redistill/torch`.
 */
/// <reference types="node" preserve="true" />

export { backward, enableGrad, grad, noGrad } from './autograd.js';
export {
  fromArray,
  fromBytes,
  indices,
  toBytes,
  toFloat32Array,
  toFloat64Array,
  toInt32Array,
} from './data.js';
export { dtypeSize, type Dtype } from './dtype.js';
export { TorchError } from './errors.js';
export * as ops from './ops.js';
export { AdamW, clipFactor, clipGradNorm, globalNorm, type AdamWOptions } from './optim.js';
export {
  memoryStats,
  openDevice,
  seed,
  setThreads,
  synchronize,
  threads,
  torchVersion,
  trimMemory,
  type MemoryStats,
} from './runtime.js';
export { SafetensorsFile, saveSafetensors, type NamedTensor } from './safetensors.js';
export { readSafetensorsHeader, type SafetensorsHeader, type TensorEntry } from './safetensorsFormat.js';
export { disposeAll, liveTensors, scope, Tensor } from './tensor.js';
