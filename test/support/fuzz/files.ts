import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { stringify as toYaml } from 'yaml';
import { turns, writeRows, writeTinyModel } from '../tinyModel.js';

const numbers = Array.from({ length: 5 }, (_, i) => i);

/** Files of every kind that a person may name by mistake, and good ones, in a folder. */
export function writeFuzzFiles(dir: string): void {
  const put = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(dir, name), content);
  };
  mkdirSync(dir, { recursive: true });
  writeTinyModel(join(dir, 'model'));
  const problems = numbers.map((i) => ({ problem: `What is ${i}+1?`, answer: String(i + 1) }));
  const traces = problems.map((row, i) => ({
    ...row,
    generations: [`It is ${i + 1}.`, `It is ${i + 3}.`],
    correct: [true, false],
  }));
  writeRows(join(dir, 'problems.jsonl'), problems);
  writeRows(join(dir, 'traces.jsonl'), traces);
  writeRows(
    join(dir, 'pairs.jsonl'),
    numbers.map((i) => ({ chosen: turns(`${i}+1?`, `${i + 1}`), rejected: turns(`${i}+1?`, `${i + 3}`) })),
  );
  writeRows(
    join(dir, 'messages.jsonl'),
    numbers.map((i) => ({ messages: turns(`${i}+1?`, `${i + 1}`) })),
  );
  writeRows(
    join(dir, 'answers.jsonl'),
    numbers.map((i) => ({ gold: String(i), pred: `so \\boxed{${i}}` })),
  );
  put('array.json', JSON.stringify(problems));
  put('pairs.jsonl.gz', gzipSync(JSON.stringify({ chosen: turns('a', 'b'), rejected: turns('a', 'c') })));
  put('empty.jsonl', '');
  put('blank.jsonl', '\n \n\n');
  put(
    'broken.jsonl',
    '{"problem": "a", "answer": \n{"problem": "b"}\n[1]\n"x"\n{"problem": "c", "answer": "1"}\n',
  );
  put('nulls.jsonl', '{"problem": null, "answer": null, "generations": null, "messages": null}\n');
  put('types.jsonl', '{"problem": 1, "answer": {"a": 1}, "generations": "x", "correct": 3, "messages": 7}\n');
  put('deep.jsonl', `{"problem": ${'['.repeat(5000)}${']'.repeat(5000)}, "answer": "1"}\n`);
  put('proto.jsonl', '{"__proto__": {"problem": "a"}, "constructor": 1, "problem": "a", "answer": "1"}\n');
  put('long.jsonl', `${JSON.stringify({ messages: turns('2+2?', 'x '.repeat(20_000)) })}\n`);
  put(
    'escape.jsonl',
    `${JSON.stringify({ problem: '\u001b]0;x\u0007\u001b[31mWhat?', answer: '\u001b[2K5' })}\n`,
  );
  put('utf16.jsonl', Buffer.from('\ufeff{"problem": "a", "answer": "1"}\n', 'utf16le'));
  put('binary.bin', Buffer.from(numbers.flatMap((i) => [0, 255, 128 + i, 10, i])));
  put('name with blank.jsonl', '{"problem": "1+1?", "answer": "2"}\n');
  put('weird\u001b[31m.jsonl', '{"problem": "1+1?", "answer": "2"}\n');
  mkdirSync(join(dir, 'folder'));
  put('folder/notes.txt', 'precious');
  mkdirSync(join(dir, 'hollow'));
  symlinkSync('nothing', join(dir, 'dangling'));
  symlinkSync('circle', join(dir, 'circle'));
  symlinkSync('pairs.jsonl', join(dir, 'link.jsonl'));
  const training = {
    ...{
      model: 'model',
      data: 'pairs.jsonl',
      out: 'out',
      objective: { name: 'redi' },
      optimizer: { lr: 1e-3 },
    },
    ...{ batch_size: 2, max_steps: 1, dtype: 'f32', schedule: { warmup_ratio: 0 } },
  };
  put('train.yaml', toYaml(training));
  put(
    'line.yaml',
    toYaml({
      out: 'out',
      stages: [
        { name: 'curated', stage: 'curate', data: 'traces.jsonl', length_filter: false },
        { name: 'scores', stage: 'score', model: 'model', data: '@curated/pref.jsonl' },
      ],
    }),
  );
  put('bad.yaml', 'model: [1, 2\nout: {');
  put('list.yaml', '- 1\n- 2\n');
}
