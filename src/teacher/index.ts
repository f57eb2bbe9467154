/**
 * @file Exports what asks models: endpoints, the collection of traces, and the judge. Loads no libtorch; this is
 * `redistill/teacher`.
 */
/// <reference types="node" preserve="true" />

export { collect, type CollectOptions, type CollectSummary } from './collect.js';
export type { Verifier } from './collector.js';
export { EndpointError, openEndpoint, type Endpoint, type EndpointOptions } from './endpoint.js';
export { endpointSampler } from './endpointSampler.js';
export { OtherRun } from './header.js';
export { Judge, type JudgeOptions } from './judge.js';
export type { Budget, Prices } from './meter.js';
export type { Asked } from './promptFile.js';
export type { PromptLogprobs, ScoredPrompt } from './promptLogprobs.js';
export type { Completion } from './reply.js';
export type { AnswerRequest, RequestId, RequestQueue, Sampler } from './requests.js';
export type { AskedModel } from './responses.js';
export { collectSettings, requestFields, type AnswerSettings, type CollectSettings } from './settings.js';
