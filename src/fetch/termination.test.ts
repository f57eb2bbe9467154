import { describe, expect, it, vi } from 'vitest';

describe.each([true, false])('where a hang-up is to be ignored: %s', (ignored) => {
  it('it runs cleanups only where it ends the process', async () => {
    vi.resetModules();
    vi.doMock('../util/hangUp.js', () => ({ ignoresHangUp: () => ignored }));
    const { onTermination } = await import('./termination.js');
    const heard = () => ['SIGHUP', 'SIGTERM'].map((name) => process.listenerCount(name));
    const before = heard();
    const forget = onTermination(() => undefined);
    const more = heard().map((count, i) => count - before[i]!);
    forget();
    expect(more).toEqual([ignored ? 0 : 1, 1]);
    expect(heard()).toEqual(before);
  });
});
