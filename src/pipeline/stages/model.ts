/** @file Which model answers: the one behind an endpoint, or the one in a directory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonLines } from '../../data/jsonl.js';
import { modelInput, resolveModel } from '../../hub/resolve.js';
import type { Endpoint } from '../../teacher/endpoint.js';
import type { AskedModel } from '../../teacher/responses.js';
import { promptInputs } from '../../teacher/promptFile.js';
import {
  requestFields,
  ruleFiles,
  type AnswerSettings,
  type EndpointSettings,
} from '../../teacher/settings.js';
import type { Progress } from '../../util/progress.js';

/** @throws UserError for an endpoint or a directory that cannot be used */
export async function askedModel(settings: AnswerSettings, progress: Progress): Promise<AskedModel> {
  const { base_url: baseUrl, model } = settings;
  if (baseUrl === undefined) {
    const { localModel } = await import('../../generate/localModel.js');
    const path = await resolveModel(model, progress);
    const { helper_model: helper } = settings.sampling;
    const sampling = helper === undefined ? {} : { helper_model: await resolveModel(helper, progress) };
    const found = { ...settings, model: path, sampling: { ...settings.sampling, ...sampling } };
    return { ...localModel(found, progress), name: model };
  }
  const { samples, sampling } = settings;
  if (samples > 1 && sampling.temperature === 0)
    progress.log(
      `${samples} samples at temperature 0 are one response ${samples} times, as far as the endpoint is exact: set a temperature`,
    );
  const { endpointSampler } = await import('../../teacher/endpointSampler.js');
  const endpoint = await endpointOf({ ...settings, base_url: baseUrl }, progress);
  return {
    name: model,
    identity: { model },
    sampler: endpointSampler(endpoint, (id) => requestFields(settings, id)),
  };
}

/** Opens the endpoint that settings name. @throws UserError where it cannot be used */
export async function endpointOf(
  settings: EndpointSettings & { base_url: string; model: string; api_key_env?: string | undefined },
  progress: Progress,
): Promise<Endpoint> {
  const { openEndpoint } = await import('../../teacher/endpoint.js');
  return openEndpoint({
    baseUrl: settings.base_url,
    model: settings.model,
    ...(settings.api_key_env !== undefined && { apiKeyEnv: settings.api_key_env }),
    concurrency: settings.concurrency,
    timeoutSeconds: settings.timeout,
    idleSeconds: settings.idle_timeout,
    retries: settings.retries,
    onRetry: retryLog(progress),
    onNotice: (sentence) => {
      progress.log(sentence);
    },
  });
}

/** What of the settings is read from the disk. */
export function answerInputs({ data, model, base_url: baseUrl, sampling, prompt }: AnswerSettings): string[] {
  const asked = [data, ...(prompt === undefined ? [] : promptInputs(prompt))];
  if (baseUrl !== undefined) return asked;
  const { helper_model: helper } = sampling;
  const models = [model, ...(helper === undefined ? [] : [helper])];
  return [...asked, ...models.map(modelInput), ...ruleFiles(sampling)];
}

/** What of answers a folder holds, of which some may have been paid for. */
export function holdsAnswers(dir: string): 'done' | undefined {
  const journal = join(dir, 'journal.jsonl');
  if (!existsSync(journal)) return undefined;
  const [, answer] = readJsonLines(journal, () => undefined); // after its header
  return answer && 'done';
}

const LOG_INTERVAL_MS = 10_000;

/** Says now and then what requests are being retried for. */
function retryLog(progress: Progress): (reason: string, waitSeconds: number) => void {
  let last = -Infinity;
  return (reason, seconds) => {
    if (performance.now() - last < LOG_INTERVAL_MS) return;
    last = performance.now();
    progress.log(`trying again in ${seconds.toFixed(1)} s: ${reason}`);
  };
}
