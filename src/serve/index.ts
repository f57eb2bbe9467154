/**
 * @file Exports the OpenAI-compatible server of a local model. Loads libtorch, which `redistill setup` provides; this is
 * `redistill/serve`.
 */
/// <reference types="node" preserve="true" />

export type { GuardOptions } from './guard.js';
export { DecodingLoop, type Listener, type Load } from './loop.js';
export { ServedModel, type ServedOptions } from './model.js';
export { makeServer } from './server.js';
