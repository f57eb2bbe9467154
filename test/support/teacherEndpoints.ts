import { afterAll, expect } from 'vitest';
import { openEndpoint, type Endpoint, type EndpointOptions } from '../../src/teacher/endpoint.js';
import { TeacherServer, type Fault, type Said, type TeacherOptions } from './teacherServer.js';

export const ANSWER: Said = { content: 'Half of 8 is\n\n\\boxed{4}, naturally: ½ · 8 🙂' };
export const FIELDS = { temperature: 0.6, max_tokens: 100, seed: 7 };
export const MESSAGES = [{ role: 'user', content: 'Half of 8?' }];

/** Servers for a test file, and endpoints that ask them. */
export function teacherEndpoints() {
  const servers: TeacherServer[] = [];
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  function newServer(options: Partial<TeacherOptions> = {}): TeacherServer {
    const server = new TeacherServer({ answer: () => ANSWER, ...options });
    servers.push(server);
    return server;
  }

  /** A server and an endpoint that asks it, with a list of its waits before further tries. */
  async function teacher(options: Partial<TeacherOptions> = {}, asked: Partial<EndpointOptions> = {}) {
    const server = newServer(options);
    const baseUrl = await server.listen();
    const waits: { reason: string; seconds: number }[] = [];
    const endpoint = openEndpoint({
      baseUrl,
      model: 'r1',
      firstWaitSeconds: 0.01,
      onRetry: (reason, seconds) => waits.push({ reason, seconds }),
      ...asked,
    });
    return { server, waits, ...asking(endpoint) };
  }
  return { newServer, teacher };
}

const asking = (endpoint: Endpoint) => ({
  endpoint,
  ask: (fields: Record<string, unknown> = FIELDS, signal?: AbortSignal) =>
    endpoint.complete(MESSAGES, fields, signal),
});
export const failing = (...faults: (Fault | undefined)[]) => ({ fault: (index: number) => faults[index] });
export const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error as Error & { status?: number },
  );
