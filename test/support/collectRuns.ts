import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { collect, type CollectOptions } from '../../src/teacher/collect.js';
import type { Verifier } from '../../src/teacher/collector.js';
import { openEndpoint, type EndpointOptions } from '../../src/teacher/endpoint.js';
import { endpointSampler } from '../../src/teacher/endpointSampler.js';
import { collectSettings, requestFields, type CollectSettings } from '../../src/teacher/settings.js';
import { silentProgress } from '../../src/util/progress.js';
import { deriveSeed } from '../../src/util/random.js';
import { chance, TeacherServer, type TeacherOptions, type TeacherRequest } from './teacherServer.js';

/** `count` problems; the answer of number i is i. */
export const sums = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ problem: `${i} + 0?`, answer: `${i}`, source: 'sums' }));

/** Right four times in ten, by prompt and seed. */
export const answer = (request: TeacherRequest) => {
  const number = Number(/(\d+) \+ 0/.exec(request.prompt)?.[1]);
  return { content: `So \\boxed{${chance(request, 'right') < 0.4 ? number : number + 1}}.` };
};
export const verify: Verifier = ({ gold, pred }) => {
  const extracted = /\\boxed\{([^{}]*)\}/.exec(pred)?.[1] ?? null;
  const correct = extracted === gold;
  return { correct, reason: correct ? 'equal' : 'different', stage: 'string', extracted };
};

export const SETTINGS: CollectSettings = collectSettings.parse({
  data: 'set by each run',
  model: 'r1',
  base_url: 'http://set-by-each-run',
  samples: 3,
  instruction: 'Think.',
  sampling: { temperature: 0.6, max_tokens: 100, seed: 5 },
});

export interface Row extends Record<string, unknown> {
  generations: string[];
  correctness: { math_verify_answer: boolean[]; math_verify_reparsed_answer: boolean[] };
}
export const rowsOf = (path: string): Row[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
export const bytesOf = (out: string, name = 'traces.jsonl') => readFileSync(join(out, name), 'utf8');

/** What the server says for a sample, without going through `collect`. */
export function expected(problem: number, sample: number, settings = SETTINGS): string {
  const prompt = `${settings.instruction}\n${problem} + 0?`;
  const seed = deriveSeed(settings.sampling.seed, 'collect', problem, sample) % 2 ** 31;
  return answer({ prompt, body: { seed } } as unknown as TeacherRequest).content;
}

interface Run extends Partial<Omit<CollectOptions, 'settings' | 'model'>> {
  server?: TeacherServer;
  /** Further servers of the same model. */
  others?: TeacherServer[];
  problems?: string;
  settings?: Partial<CollectSettings>;
  endpoint?: Partial<EndpointOptions>;
}

/** Servers, problems and folders for a test file, and runs of `collect`. */
export function collectRuns() {
  const root = mkdtempSync(join(tmpdir(), 'redistill-collect-'));
  const servers: TeacherServer[] = [];
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    rmSync(root, { recursive: true });
  });

  let files = 0;
  const newPath = (name: string) => join(root, `${++files}-${name}`);

  function problemFile(rows: readonly object[]): string {
    const path = newPath('problems.jsonl');
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return path;
  }
  const newServer = (options: Partial<TeacherOptions> = {}) => {
    const server = new TeacherServer({ answer, ...options });
    servers.push(server);
    return server;
  };
  const urls = new Map<TeacherServer, Promise<string>>();
  const urlOf = (server: TeacherServer) => {
    const url = urls.get(server) ?? server.listen();
    urls.set(server, url);
    return url;
  };

  async function run({ server = newServer(), others = [], problems, settings, endpoint, ...options }: Run) {
    const out = options.out ?? newPath('out');
    const all = { ...SETTINGS, data: problems ?? problemFile(sums(10)), ...settings };
    const summary = await collect({
      verify,
      progress: silentProgress,
      signal: new AbortController().signal,
      ...options,
      out,
      settings: all,
      model: {
        name: all.model,
        identity: { model: all.model },
        sampler: endpointSampler(
          openEndpoint({
            baseUrl: (await Promise.all([server, ...others].map(urlOf))).join(','),
            model: all.model,
            concurrency: 4,
            firstWaitSeconds: 0.005,
            ...endpoint,
          }),
          (id) => requestFields(all, id),
        ),
      },
    });
    return { summary, out, server, rows: rowsOf(join(out, 'traces.jsonl')) };
  }
  return { newPath, problemFile, newServer, run };
}
