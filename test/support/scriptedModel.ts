/** @file A model that answers what a test says. */
import type { Completion } from '../../src/teacher/reply.js';
import type { RequestId } from '../../src/teacher/requests.js';
import type { AskedModel } from '../../src/teacher/responses.js';

/** What another run would fail at as well. */
export class Permanent extends Error {}

/** A model that answers by rote, and remembers what it was asked. */
export function scripted(answers: (id: RequestId) => Partial<Completion> | Error) {
  const asked: { id: RequestId; prompt: unknown }[] = [];
  const model: AskedModel = {
    name: 'rote',
    identity: { model: 'rote' },
    sampler: {
      replays: false,
      async run(queue) {
        for (let request = queue.next(); request; request = queue.next()) {
          asked.push({ id: request.id, prompt: request.prompt });
          const said = answers(request.id);
          if (said instanceof Error) queue.failed(request, said.message, said instanceof Permanent);
          else
            await queue.answered(request, {
              ...{ text: '', reasoning: null, finishReason: 'stop', promptTokens: 10, completionTokens: 5 },
              ...said,
            });
        }
      },
    },
  };
  return { model, asked };
}
