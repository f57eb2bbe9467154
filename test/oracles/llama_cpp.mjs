/**
 * @file Has llama.cpp read GGUF files: `npm install node-llama-cpp@3.22.1` in a folder outside the repository, then
 *
 *     echo '{"files": [{"path": "a.gguf", "texts": ["Hello"]}], "tokens": 8}' | node llama_cpp.mjs FOLDER
 *
 * It prints {"version", "files": [{"architecture", "ids", "greedy"}]}: of each file and text the token ids as llama.cpp
 * makes them, without special tokens around them, and the ids that it then chooses greedily, the end of a text or not, on one thread of the CPU. Run by
 * src/hub/gguf/llamaCpp.oracle.test.ts, which writes test/fixtures/gguf/llama-cpp.json.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(resolve(process.argv[2]), 'node_modules', 'node-llama-cpp');
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(join(root, 'dist', 'index.js')).href);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { files, tokens } = JSON.parse(readFileSync(0, 'utf8'));

const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.error });
const results = [];
for (const { path: modelPath, texts } of files) {
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ contextSize: 256, threads: 1 });
  const result = { architecture: model.fileInfo.metadata.general.architecture, ids: [], greedy: [] };
  for (const text of texts) {
    const ids = Array.from(model.tokenize(text, false));
    const sequence = context.getSequence();
    const chosen = [];
    for await (const token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
      chosen.push(token);
      if (chosen.length >= tokens) break;
    }
    sequence.dispose();
    result.ids.push(ids);
    result.greedy.push(chosen);
  }
  results.push(result);
  await context.dispose();
  await model.dispose();
}
console.log(JSON.stringify({ version: `node-llama-cpp ${version}`, files: results }));
process.exit(0);
