/**
 * What a user might write with the library: compiled strictly against the packed package, and run there by
 * package.slow.test.ts. Arguments: a folder with a model directory `tiny`, `pairs.jsonl` and `traces.jsonl`.
 */
import * as redistill from 'redistill';
import { curate, curateSettings } from 'redistill/curate';
import { readTraceRows, type TraceRow } from 'redistill/data';
import { examine, type DoctorSummary } from 'redistill/doctor';
import { comparePaired, passAtK, type ProblemResult } from 'redistill/evaluate';
import { openGenerator, type FinishReason } from 'redistill/generate';
import { getModel, type ModelLocation } from 'redistill/hub';
import { loadModel, Scorer, type ModelConfig } from 'redistill/models';
import {
  createObjective,
  defineObjective,
  linearObjective,
  numberFrom,
  type Objective,
  type ScoredBatch,
  stepOf,
} from 'redistill/objectives';
import { parsePipeline, runPipeline, stageKinds } from 'redistill/pipeline';
import { parseRecipe } from 'redistill/recipe';
import { ensureSetup, type Setup } from 'redistill/setup';
import { collect, openEndpoint, type Endpoint, type Verifier } from 'redistill/teacher';
import { ChatTokenizer, encodePrompt, type TokenRow } from 'redistill/text';
import { fromArray, ops, scope, toFloat32Array, type Tensor } from 'redistill/torch';
import { openStudent, trainInProcess, trainRecipe, type TrainEvent } from 'redistill/train';
import { verify, type Grader, type Verdict } from 'redistill/verify';

const { silentProgress } = redistill;
const root = process.argv[2]!;
const found: Record<string, unknown> = {};
const signal: AbortSignal = new AbortController().signal;

// Objectives: one of the list, and one of one's own.
const own = defineObjective('own', { alpha: numberFrom(0, 1).default(0.5) }, ({ alpha }): Objective =>
  linearObjective(
    { name: 'own', formula: 'f', data: 'pairs' },
    ({ role, length }, { pairs }) => (role === 'rejected' ? alpha : -1) / (length * pairs),
  ),
);
const sides = [
  { role: 'chosen', group: 0, length: 1 },
  { role: 'rejected', group: 0, length: 2 },
];
const batch: ScoredBatch = {
  sequences: sides,
  step: stepOf(sides),
  logps: [Float64Array.of(-1), Float64Array.of(-2, -4)],
};
found.losses = [own.create({ alpha: 0.5 }), createObjective({ name: 'redi' })].map(
  (objective) => objective.evaluate(batch).loss,
);

// Traces, verdicts, a grader, a verifier for collecting.
const rows: TraceRow[] = [];
for await (const row of readTraceRows([`${root}/traces.jsonl`], () => undefined)) rows.push(row);
found.traces = rows.map(({ generations }) => generations?.length);
const verdict: Verdict = verify({ gold: '1/2', pred: 'It is \\boxed{0.5}.' });
const grader: Grader = ({ golds, response }) => ({
  correct: response.includes(String(golds[0])),
  extracted: null,
});
const verifier: Verifier = ({ gold, pred }) => verify({ gold, pred });
found.right = [verdict.correct, grader({ golds: [7], response: '7', cutOff: false }).correct];

// Statistics.
const results: ProblemResult[] = [
  { id: 'a', correct: 1, samples: 2 },
  { id: 'b', correct: 2, samples: 2 },
];
found.statistics = [passAtK(results, 1).mean, comparePaired(results, results).difference];

// Curation, the doctor, training in a thread, sampling.
const curated = await curate(
  curateSettings.parse({ data: `${root}/traces.jsonl`, verdicts: 'mv', length_filter: false }),
  `${root}/curated`,
  silentProgress,
  signal,
);
found.curated = typeof curated;
const student = openStudent(`${root}/tiny`, { layout: 'template', data: 'pairs' });
const { summary } = await examine(`${root}/pairs.jsonl`, { student }, silentProgress);
found.examined = (summary satisfies DoctorSummary).rows;
const events: TrainEvent[] = [];
const recipe = parseRecipe(
  trainRecipe,
  {
    ...{ model: `${root}/tiny`, data: `${root}/pairs.jsonl`, out: `${root}/trained`, doctor: 'off' },
    ...{ objective: { module: `${root}/objective.mjs`, push: 0.5 }, optimizer: { lr: 1e-4 }, max_steps: 2 },
  },
  'recipe',
);
const trained = await trainInProcess(recipe, (event) => events.push(event), signal);
found.trained = [trained.steps, events.at(-1)?.kind];

const loaded = loadModel(trained.model, { dtype: 'f32' });
const config: ModelConfig = loaded.model.config;
const tokenizer = ChatTokenizer.load(trained.model);
const prompt: Int32Array = await encodePrompt(tokenizer, [{ role: 'user', content: '1+1?' }]);
const row: TokenRow = { ids: Int32Array.of(...prompt, 5, 6), responseStart: prompt.length };
const scorer = new Scorer(loaded.model);
found.scored = [scorer.score([row])[0]!.length, prompt.every((id) => id < config.vocabSize)];
const generator = openGenerator(trained.model, { dtype: 'f32', device: 'cpu' });
const [answer] = await generator.generator.generate([{ ids: prompt }], {
  maxNewTokens: 3,
  temperature: 0,
});
found.finished = (['stop', 'length'] satisfies FinishReason[]).includes(answer!.finishReason);

// Tensors.
const total = scope((): Tensor =>
  ops.add(fromArray(Float32Array.of(1, 2)), fromArray(Float32Array.of(3, 4))),
);
found.tensor = [...toFloat32Array(total)];

// What is only compiled: pipelines, endpoints, models from elsewhere, set-up.
export const setUp = (): Promise<Setup> => ensureSetup();
export const fetchModel = (name: string): Promise<ModelLocation> => getModel(name);
export const endpoint = (): Endpoint => openEndpoint({ baseUrl: 'http://127.0.0.1:1/v1', model: 'm' });
export const collectAll: typeof collect = collect;
export const verifiers: Verifier[] = [verifier];
export const walk = (value: unknown): Promise<ReadonlyMap<string, string>> =>
  runPipeline(parsePipeline(value, 'mine'), { signal, log: () => undefined });
found.stages = Object.keys(stageKinds).length > 5;
found.room = redistill.verify === verify;

process.stdout.write(JSON.stringify(found));
