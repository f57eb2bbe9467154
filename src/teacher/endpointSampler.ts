/** @file Answers the requests of a run through an endpoint, as many at once as it takes. */
import { EndpointError, type Endpoint } from './endpoint.js';
import type { RequestId, RequestQueue, Sampler } from './requests.js';

/**
 * @param fields the fields of the body of a request, by its id
 */
export function endpointSampler(
  endpoint: Endpoint,
  fields: (id: RequestId) => Record<string, unknown>,
): Sampler {
  async function work(queue: RequestQueue, signal: AbortSignal): Promise<void> {
    for (let request = queue.next(); request; request = queue.next()) {
      signal.throwIfAborted();
      let completion;
      try {
        completion = await endpoint.complete(request.prompt, fields(request.id), signal);
      } catch (error) {
        if (!(error instanceof EndpointError)) throw error;
        queue.failed(request, error.message, error.isPermanent);
        continue;
      }
      await queue.answered(request, completion);
    }
  }

  return {
    replays: false,
    async run(queue, signal) {
      const stop = new AbortController();
      const either = AbortSignal.any([signal, stop.signal]);
      const workers = Array.from({ length: endpoint.concurrency }, () => work(queue, either));
      try {
        await Promise.all(workers);
      } catch (error) {
        stop.abort(error); // requests under way are given up
        await Promise.allSettled(workers);
        throw error;
      }
    },
  };
}
