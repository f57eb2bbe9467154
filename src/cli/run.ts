/** @file The command `run`: a pipeline of stages. */
import { Command } from 'commander';
import { applySettings, readYaml } from '../recipe/yaml.js';
import { formatBytes } from '../util/bytes.js';
import { formatDuration } from '../util/progress.js';
import { longWork } from './interrupt.js';
import { printJson } from './output.js';

const collect = (value: string, before: string[]): string[] => [...before, value];

export function runCommand(): Command {
  return new Command('run')
    .description('Walk a pipeline of stages; stages whose inputs have not changed are skipped.')
    .argument('<recipe>', 'a YAML file with a list of stages')
    .option('--force', 'run every stage')
    .option('--from <stage>', 'run this stage and all after it')
    .option(
      '--set <key=value>',
      'override a key, e.g. stages.redi.optimizer.lr=1e-6; may be repeated',
      collect,
      [],
    )
    .option('--json', 'print where each stage left its result as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  redistill run recipes/quickstart.yaml\n  redistill run recipes/quickstart.yaml --from redi',
    )
    .action(
      async (path: string, options: { force?: boolean; from?: string; set: string[]; json?: boolean }) => {
        const started = performance.now();
        const { parsePipeline } = await import('../pipeline/pipeline.js');
        const { runPipeline } = await import('../pipeline/run.js');
        const pipeline = parsePipeline(applySettings(readYaml(path), options.set, path), path);
        const { force, from } = options;
        const stopped = `stopped; run the same command again to go on: stages that are done are kept in ${pipeline.out}`;
        const results = await longWork('run', stopped, (_, signal) =>
          runPipeline(pipeline, {
            ...(force !== undefined && { force }),
            ...(from !== undefined && { from }),
            signal,
            log: (line) => process.stderr.write(`${line}\n`),
          }),
        );
        const { memoryStats, torchVersion } = await import('../torch/runtime.js');
        const used =
          `used: ${formatDuration((performance.now() - started) / 1000)}, ` +
          `${formatBytes(memoryStats('cpu').peakAllocated)} of memory at most, libtorch ${torchVersion()}`;
        process.stderr.write(`${used}\n`);
        if (options.json) printJson(Object.fromEntries(results));
        else for (const [name, result] of results) process.stdout.write(`${name}\t${result}\n`);
      },
    );
}
