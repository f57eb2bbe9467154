import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { bytesOf, collectRuns, sums } from '../../test/support/collectRuns.js';
import { ANSWER, FIELDS, failure, MESSAGES, teacherEndpoints } from '../../test/support/teacherEndpoints.js';
import type { TeacherOptions, TeacherServer } from '../../test/support/teacherServer.js';
import { UserError } from '../util/errors.js';
import { EndpointError, openEndpoint, type EndpointOptions } from './endpoint.js';

const { newServer } = teacherEndpoints();
const { newServer: answering, problemFile, run } = collectRuns();

/** Servers of one model behind one endpoint, with what it says. */
async function fleet(options: Partial<TeacherOptions>[], asked: Partial<EndpointOptions> = {}) {
  const servers = options.map((each) => newServer(each));
  const urls = await Promise.all(servers.map((server) => server.listen()));
  const notices: string[] = [];
  const open = (more: Partial<EndpointOptions> = {}) =>
    openEndpoint({
      baseUrl: urls.join(','),
      model: 'r1',
      firstWaitSeconds: 0.02,
      onNotice: (sentence) => notices.push(sentence),
      ...asked,
      ...more,
    });
  const endpoint = open();
  const ask = (count: number, from = endpoint) =>
    Promise.all(Array.from({ length: count }, () => from.complete(MESSAGES, FIELDS)));
  return { servers, urls, notices, endpoint, open, ask };
}
const counts = (servers: readonly TeacherServer[]) => servers.map(({ answered }) => answered);

describe.concurrent('several addresses', () => {
  it('share the requests by those under way, each within its limit', async () => {
    const { servers, endpoint, ask, notices } = await fleet(
      [{ delayMs: () => 20 }, { delayMs: () => 20 }, { delayMs: () => 400 }],
      { concurrency: 3 },
    );
    expect(endpoint.concurrency).toBe(9);
    await ask(60);
    const [a, b, slow] = counts(servers) as [number, number, number];
    expect(a + b + slow).toBe(60);
    expect(Math.min(a, b)).toBeGreaterThan(2 * slow);
    for (const { mostAtOnce } of servers) expect(mostAtOnce).toBeLessThanOrEqual(3);
    expect(notices).toEqual([]);
  });

  it('go on without one that dies, say it once, and take it back when it answers', async () => {
    let isDead = false;
    const { servers, urls, notices, ask } = await fleet(
      [{ fault: () => (isDead ? 'reset' : undefined), delayMs: () => 5 }, { delayMs: () => 5 }],
      { concurrency: 4 },
    );
    await ask(20);
    isDead = true;
    await ask(60);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(
      new RegExp(
        `^${urls[0]} does not answer \\(.+\\): its requests go to ${urls[1]}, and it is tried again`,
      ),
    );
    isDead = false;
    const before = servers[0]!.answered;
    for (let tries = 0; servers[0]!.answered === before && tries < 100; tries++) {
      await ask(8);
      await sleep(20);
    }
    expect(servers[0]!.answered).toBeGreaterThan(before);
    expect(notices.slice(1)).toEqual([`${urls[0]} answers again`]);
  });

  it('need no further try to leave one that is not there', async () => {
    const { servers, urls, open, ask, notices } = await fleet([{}, {}]);
    await servers[0]!.close();
    const answers = await ask(10, open({ retries: 0 }));
    expect(answers.map(({ text }) => text)).toEqual(answers.map(() => ANSWER.content));
    expect(notices.filter((notice) => notice.startsWith(urls[0]!))).toHaveLength(1);
  });

  it('leave one that is overloaded in peace for as long as it asks', async () => {
    const overloaded: Partial<TeacherOptions> = {
      fault: () => ({ status: 429, headers: { 'retry-after': '60' } }),
    };
    const { servers, ask, notices } = await fleet([overloaded, {}], { concurrency: 1 });
    await ask(40);
    expect(servers[0]!.requests).toHaveLength(1);
    expect(servers[1]!.answered).toBe(40);
    expect(notices).toEqual([]);
  });

  it('are all dead in one sentence', async () => {
    const { servers, urls, open } = await fleet([{}, {}]);
    const known = open({ retries: 2 });
    await known.complete(MESSAGES, FIELDS);
    await Promise.all(servers.map((server) => server.close()));
    const error = await failure(known.complete(MESSAGES, FIELDS));
    expect(error).toBeInstanceOf(EndpointError);
    const all = [...urls].sort().join(', ');
    expect(error.message).toMatch(new RegExp(`^${all} gave no usable answer in 4 tries; the last: .+$`));
    const never = open({ giveUpSeconds: 0.1 });
    const silent = await failure(never.complete(MESSAGES, FIELDS));
    expect(silent).toBeInstanceOf(UserError);
    expect(silent.message).toContain(`${all} have not answered for 0.1 s`);
  });

  it('do not pass on what one refuses for its own sake', async () => {
    const { servers, ask, notices } = await fleet([
      { fault: () => ({ status: 400, error: { message: 'too long' } }) },
      { fault: () => ({ status: 400, error: { message: 'too long' } }) },
    ]);
    const error = await failure(ask(1));
    expect(error).toMatchObject({ status: 400, isPermanent: true });
    expect(servers[0]!.requests.length + servers[1]!.requests.length).toBe(1);
    expect(notices).toEqual([]);
  });

  it('name the one that wants a key, or has no such path', async () => {
    for (const [status, words] of [
      [401, 'wants a key'],
      [404, 'has no model r1 or is not where the API begins'],
    ] as const) {
      const { urls, ask } = await fleet([{}, { fault: () => ({ status }) }], { concurrency: 1 });
      const error = await failure(ask(2));
      expect(error).toBeInstanceOf(UserError);
      expect(error.message).toContain(`${urls[1]} ${words}`);
    }
  });

  it('give up a request that none of them can answer, and answer the others', async () => {
    const poisoned = ({ prompt }: { prompt: string }) => prompt.includes('poison');
    const fault: TeacherOptions['fault'] = (_, asked) => (poisoned(asked) ? { status: 500 } : undefined);
    const { endpoint, ask } = await fleet([{ fault }, { fault }], { retries: 2, firstWaitSeconds: 0.005 });
    const poison = failure(endpoint.complete([{ role: 'user', content: 'poison' }], FIELDS));
    expect(await ask(30)).toHaveLength(30);
    expect((await poison).message).toContain('gave no usable answer in 4 tries; the last: HTTP 500');
  });

  it('end at once when the signal does', async () => {
    const { servers, endpoint } = await fleet([{ fault: () => 'silent' }, { fault: () => 'silent' }]);
    const controller = new AbortController();
    const all = Array.from({ length: 50 }, () =>
      failure(endpoint.complete(MESSAGES, FIELDS, controller.signal)),
    );
    while (servers.every(({ requests }) => requests.length === 0)) await sleep(5);
    controller.abort(new Error('enough'));
    for (const error of await Promise.all(all)) expect(error.message).toBe('enough');
  });
});

describe.concurrent('the models of several addresses', () => {
  const list = (...data: object[]) => JSON.stringify({ object: 'list', data });
  /** What comes of asking two servers with such lists. */
  async function asked(...lists: (string | undefined)[]): Promise<string> {
    const { servers, urls, ask } = await fleet(lists.map(() => ({})));
    servers.forEach((server, i) => (server.models = lists[i]));
    const said = await ask(2).then(
      () => 'fine',
      (error: unknown) => {
        expect(error).toBeInstanceOf(UserError);
        expect(servers.flatMap(({ requests }) => requests)).toEqual([]);
        return (error as Error).message;
      },
    );
    const sorted = [...urls].sort();
    return urls.reduce((text, url) => text.replaceAll(url, `URL${sorted.indexOf(url)}`), said);
  }

  it('must not contradict each other', async () => {
    const r1 = { id: 'r1', root: 'org/r1', max_model_len: 4096 };
    expect(await asked(list(r1), list(r1, { id: 'more' }))).toBe('fine');
    expect(await asked(list(r1), list({ id: 'other' }))).toMatch(
      /^URL[01] has the model r1 and URL[01] has not: name endpoints of one model\.$/,
    );
    expect(await asked(list(r1), list({ ...r1, max_model_len: 8192 }))).toMatch(
      /^URL0 and URL1 have different models under the name r1 \(max_model_len (4096 and 8192|8192 and 4096)\)/,
    );
    expect(await asked(list(r1), list({ ...r1, root: 'org/r2' }))).toContain('root org/r');
    // Where the weights lie differs between machines.
    expect(await asked(list({ ...r1, root: '/a/r1' }), list({ ...r1, root: '/b/r1' }))).toBe('fine');
  });

  it.each([
    ['none', undefined],
    ['no JSON', '<html>'],
    ['an error', '{"error": "no"}'],
    ['nothing', '{"data": []}'],
    ['another shape', '{"data": [{"id": 7}]}'],
    ['null', 'null'],
  ])('are believed where a list is %s', async (_, given) => {
    expect(await asked(given, list({ id: 'r1', max_model_len: 5 }))).toBe('fine');
  });

  it('are those of one that is down when it comes back', async () => {
    const { servers, ask } = await fleet([{}, {}]);
    servers[1]!.models = list({ id: 'r1' });
    await servers[0]!.close();
    expect(await ask(3)).toHaveLength(3);
  });
});

describe('the names of several addresses', () => {
  const refused = (baseUrl: string) => {
    try {
      openEndpoint({ baseUrl, model: 'r1' });
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      return (error as Error).message;
    }
    return 'accepted';
  };
  it.each([
    ['http://a/v1,http://b/v1', 'accepted'],
    ['http://a/v1 , https://b/v1', 'accepted'],
    ['http://a/v1?x=1,2', 'accepted'],
    ['http://a/v1,http://a/v1', 'http://a/v1 is named twice among the endpoints'],
    ['http://a/v1,b:8000/v1', 'each of several begins with http:// or https://'],
    ['http://a/v1,', 'each of several begins with'],
    ['http://a,b', 'each of several begins with'],
    ['http://a/v1,ftp://b', '"ftp://b" is not the URL of an endpoint'],
    ['http://a/v1,http://user:hunter2@b/v1', 'has a password in it'],
    [',', 'is not the URL of an endpoint'],
    ['', 'is not the URL of an endpoint'],
  ])('%j', (url, words) => {
    expect(refused(url)).toContain(words);
    expect(refused(url)).not.toContain('hunter2');
  });

  it('are one endpoint in any order', () => {
    const url = (baseUrl: string) => openEndpoint({ baseUrl, model: 'r1' }).url;
    expect(url('http://b/v1,http://a/v1/')).toBe(url('http://a/v1, http://b/v1'));
  });
});

describe('a run of collect over several addresses', () => {
  it('has the traces of one, though one of them dies and the run is stopped and goes on', async () => {
    const problems = problemFile(sums(30));
    const alone = await run({ problems });
    const [a, b] = [answering(), answering({ fault: (index) => (index >= 9 ? 'reset' : undefined) })];
    const controller = new AbortController();
    const progress = {
      log: () => undefined,
      finish: () => undefined,
      update: (done: number) => {
        if (done >= 12) controller.abort(new Error('stopped'));
      },
    };
    const begun = `${alone.out}-fleet`;
    await failure(run({ problems, server: a, others: [b], out: begun, progress, signal: controller.signal }));
    const { out, summary } = await run({ problems, server: a, others: [b], out: begun });
    expect(bytesOf(out)).toBe(bytesOf(alone.out));
    expect(summary.failed).toBe(0);
    expect(b.answered).toBe(9);
    // Another fleet, or one address, goes on as well: the answers are the model's.
    expect(bytesOf((await run({ problems, out })).out)).toBe(bytesOf(alone.out));
  });
});
