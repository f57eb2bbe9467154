/** @file Answers the requests of a run with a model that runs here. The counterpart of src/teacher's endpoint sampler. */
import { fingerprintPath } from '../util/fingerprint.js';
import { messageOf, UserError } from '../util/errors.js';
import { silentProgress, type Progress } from '../util/progress.js';
import type { AskedModel } from '../teacher/responses.js';
import type { AnswerRequest, RequestId, RequestQueue } from '../teacher/requests.js';
import { ruleFiles, seedOf, type AnswerSettings } from '../teacher/settings.js';
import { encodePrompt } from '../text/tokenRows.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import {
  defaultBatchSize,
  longestFirst,
  type Generator,
  type ResponseOptions,
  type SequenceSource,
} from './generator.js';
import { openGenerator, type OpenedGenerator } from './open.js';
import { RuleFault } from './rules/checked.js';
import { openRules } from './rules/open.js';
import { samplingOf } from './sampling.js';
import type { Sequence } from './sequence.js';
import { requireOneVocabulary } from './vocabulary.js';

/** Requests that are encoded and put in order of length at a time. */
const WINDOW = 1024;

/**
 * A model directory as a model to be asked. The weights are loaded when there is something to answer, and freed after.
 * @throws UserError where there is no such directory
 */
export function localModel(settings: AnswerSettings, progress: Progress = silentProgress): AskedModel {
  const { model: dir, dtype, device, batch_size: batchSize, sampling, samples } = settings;
  const digest = fingerprintPath(dir);
  const modules = ruleFiles(sampling);
  const { helper_model: helper } = sampling;
  if (digest === undefined)
    throw new UserError(
      `There is no model directory ${dir}: give one, or the endpoint that has this model ("base_url").`,
    );
  if (helper !== undefined) requireOneVocabulary(dir, helper); // before anything is written
  return {
    name: dir,
    identity: {
      model_sha256: digest,
      dtype,
      device,
      ...(batchSize !== undefined && { batch_size: batchSize }),
      ...(helper !== undefined && { helper_model_sha256: fingerprintPath(helper) ?? 'absent' }),
      ...(modules.length > 0 && { rules_sha256: modules.map((file) => fingerprintPath(file) ?? 'absent') }),
    },
    sampler: {
      replays: true,
      async run(queue, signal) {
        using opened = openGenerator(dir, {
          dtype,
          device,
          helper,
          onNotice: (sentence) => {
            progress.log(sentence);
          },
        });
        const way = samplingOf(sampling);
        opened.generator.check({ sampling: way, samples, maxNewTokens: sampling.max_tokens, batchSize });
        const rules = await openRules(sampling);
        const source = new QueueSource(queue, opened, settings, {
          sampling: way,
          rules,
          keep: { logps: sampling.keep_tokens },
        });
        await opened.generator.run(source, { batchSize, signal });
        await source.written();
      },
    },
  };
}

/** What samples of a problem share; further turns share nothing. */
const promptName = ({ problem, sample, turn }: RequestId): string =>
  turn === undefined ? `${problem}` : `${problem}/${sample}/${turn}`;

/** The requests of a queue as sequences. */
class QueueSource implements SequenceSource {
  readonly #queue: RequestQueue;
  readonly #generator: Generator;
  readonly #tokenizer: ChatTokenizer;
  readonly #settings: AnswerSettings;
  readonly #requests = new Map<Sequence, AnswerRequest>();
  readonly #way: Pick<ResponseOptions, 'sampling' | 'rules' | 'keep'>;
  readonly #computed: { dtype: string; batch_size: number };
  #writing = new Set<Promise<void>>();
  #failure: Error | undefined;

  constructor(
    queue: RequestQueue,
    { generator, tokenizer }: Pick<OpenedGenerator, 'generator' | 'tokenizer'>,
    settings: AnswerSettings,
    way: Pick<ResponseOptions, 'sampling' | 'rules' | 'keep'>,
  ) {
    this.#queue = queue;
    this.#generator = generator;
    this.#tokenizer = tokenizer;
    this.#settings = settings;
    const { dtype, device, batch_size = defaultBatchSize(device) } = settings;
    this.#computed = { dtype, batch_size };
    this.#way = way;
  }

  async more(): Promise<Sequence[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const requests: AnswerRequest[] = [];
    for (let request = this.#queue.next(); request; request = this.#queue.next()) {
      requests.push(request);
      if (requests.length === WINDOW) break;
    }
    // Samples of one problem share its tokens, so that the prompt is computed once for those that join together.
    const prompts = new Map(requests.map((request) => [promptName(request.id), request]));
    const encoded = new Map(
      await Promise.all(
        Array.from(prompts, async ([name, request]) => [name, await this.#encode(request)] as const),
      ),
    );
    const sequences = requests.flatMap((request) => {
      const ids = encoded.get(promptName(request.id))!;
      return ids instanceof Error ? this.#refuse(request, ids) : this.#begin(request, ids);
    });
    return longestFirst(sequences);
  }

  finished(sequence: Sequence): void {
    const request = this.#requests.get(sequence)!;
    this.#requests.delete(sequence);
    const { ids, text, finishReason, forced, logps } = this.#generator.complete(sequence);
    const writing = this.#queue
      .answered(request, {
        text: this.#prefixOf(request) + text,
        reasoning: null,
        finishReason,
        promptTokens: sequence.promptIds.length,
        completionTokens: ids.length,
        computed: this.#computed,
        ...(logps && {
          tokens: {
            prompt_ids: [...sequence.promptIds],
            ...{ ids: [...ids], logps: [...logps], forced: [...forced] },
          },
        }),
      })
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(messageOf(error));
      })
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** Waits for the answers that are on their way to the disk. @throws what kept one of them from it */
  async written(): Promise<void> {
    await Promise.all(this.#writing);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A prompt's tokens, or why there are none: a template may refuse a message. */
  async #encode(request: AnswerRequest): Promise<Int32Array | Error> {
    try {
      const forcedPrefix = this.#prefixOf(request);
      return await encodePrompt(this.#tokenizer, request.prompt, { forcedPrefix });
    } catch (error) {
      return new Error(messageOf(error));
    }
  }

  #prefixOf({ prefix = this.#settings.sampling.forced_prefix ?? '' }: AnswerRequest): string {
    return prefix;
  }

  #begin(request: AnswerRequest, ids: Int32Array): Sequence[] {
    const { max_tokens: maxNewTokens, seed } = this.#settings.sampling;
    // What wanders takes other steps than it has tokens: it is drawn again, so that its neighbours are where they were.
    const wanders = this.#way.rules?.some(({ wanders }) => wanders);
    let sequence: Sequence;
    try {
      sequence = this.#generator.begin(ids, {
        ...this.#way,
        maxNewTokens,
        seed: seedOf(seed, request.id),
        begun: this.#prefixOf(request),
        name: 'the prompt',
        replayedTokens: wanders ? undefined : request.answeredTokens,
      });
    } catch (error) {
      if (!(error instanceof UserError) || error instanceof RuleFault) throw error;
      return this.#refuse(request, error);
    }
    this.#requests.set(sequence, request);
    return [sequence];
  }

  #refuse(request: AnswerRequest, error: Error): [] {
    this.#queue.failed(request, error.message, true);
    return [];
  }
}
