/** @file The table of training runs: how far each is, and where its curves end. */
import { own } from '../../util/own.js';
import { isHealthy, type TrainingRun } from '../model.js';
import { lastOf } from './lines.js';
import { brief, count } from './numbers.js';
import { address } from './route.js';
import { Table, type Column } from './table.js';
import { Name } from './text.js';

const lastIn = ({ last, curves }: TrainingRun, name: string): number | null =>
  own(last, name) ?? lastOf(curves.series.find((series) => series.name === name)?.mean ?? []);

/** A column of last values. */
const last = (title: string, name: string): Column<TrainingRun> => ({
  name: title,
  value: (run) => lastIn(run, name),
  show: (run) => brief(lastIn(run, name)),
});

const SIDES = [last('chosen', 'logps/chosen_per_token'), last('rejected', 'logps/rejected_per_token')];

const hasSides = (run: TrainingRun): boolean => lastIn(run, 'logps/chosen_per_token') !== null;

export function RunTable({ runs }: { runs: readonly TrainingRun[] }) {
  return (
    <Table
      name="runs"
      caption={
        runs.some(hasSides)
          ? 'Training runs, with the last values of their curves; chosen and rejected are log-probabilities per token'
          : 'Training runs, with the last values of their curves'
      }
      rows={runs}
      columns={[
        {
          name: 'run',
          value: ({ name }) => name,
          show: ({ id, name }) => (
            <a href={address(['runs', id])}>
              <Name of={name} length={40} />
            </a>
          ),
        },
        { name: 'objective', value: ({ objective }) => objective },
        { name: 'seed', value: ({ seed }) => seed },
        { name: 'steps', value: ({ steps }) => steps.done, show: ({ steps }) => count(steps.done) },
        {
          name: 'planned',
          value: ({ steps }) => steps.planned,
          show: ({ steps }) => (steps.planned === null ? '–' : count(steps.planned)),
        },
        {
          name: 'finished',
          value: ({ finished }) => finished,
          show: ({ finished }) => (finished ? 'yes' : 'no'),
        },
        last('loss', 'loss'),
        ...(runs.some(hasSides) ? SIDES : []),
        last('gradient norm', 'grad_norm'),
        { name: 'alerts', value: ({ alerts }) => alerts.filter((alert) => !isHealthy(alert)).length },
      ]}
    />
  );
}
