/** Opens the tokens of a file, reads all of them once, and says how much memory that took and what was read. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ChatTokenizer } from '../../src/text/tokenizer.js';
import { Examples } from '../../src/train/examples.js';
import { openTokens } from '../../src/train/tokenCache.js';

const [model, data] = process.argv.slice(2);
let tokenised = 0;
const { file } = await openTokens(data!, ChatTokenizer.load(model!), {
  layout: 'template',
  onRecord: () => tokenised++,
});
using examples = new Examples(file);
const hash = createHash('sha256');
for (const { id, parts } of examples) {
  hash.update(id);
  for (const { row } of parts) hash.update(row.ids);
}
const [, kilobytes] = /VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))!;
process.send!({ tokenised, megabytes: Number(kilobytes) / 1024, digest: hash.digest('hex') });
