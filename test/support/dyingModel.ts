import type { RequestQueue } from '../../src/teacher/requests.js';
import type { AskedModel } from '../../src/teacher/responses.js';

export class Killed extends Error {}

/** The same model, which dies when it has answered so many requests. */
export function dyingAfter(answers: number, { sampler, ...rest }: AskedModel): AskedModel {
  return {
    ...rest,
    sampler: {
      ...sampler,
      async run(queue, signal) {
        const death = new AbortController();
        let left = answers;
        const dying: RequestQueue = {
          next: () => queue.next(),
          failed: (request, reason, permanent) => {
            queue.failed(request, reason, permanent);
          },
          answered: async (request, completion) => {
            const written = queue.answered(request, completion);
            if (request.answeredTokens === undefined && --left === 0) death.abort(new Killed());
            await written;
          },
        };
        await sampler.run(dying, AbortSignal.any([signal, death.signal]));
      },
    },
  };
}
