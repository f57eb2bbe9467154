import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';

it('says in one sentence that an addon cannot be loaded, and what mends it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'redistill-native-'));
  const addon = join(root, 'redistill.node');
  writeFileSync(addon, 'cut off');
  vi.stubEnv('REDISTILL_ADDON', addon);
  try {
    await expect(import('./native.js')).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(
        /^the addon \S+ cannot be loaded \([^\n]+\): run `redistill setup`, which mends it$/,
      ) as string,
    });
  } finally {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
  }
});
