/** @file What a comparison would see with more problems or samples: a curve for each. */
import type { ComparisonTable, PowerCurve } from '../model.js';
import { DoublingFigure, type PointLine } from './figures.js';
import { percent } from './numbers.js';
import { short } from './text.js';

const WORDS = { problems: 'problems', samples: 'samples of each problem' } as const;

export function PowerFigures({ comparison: { rows, power } }: { comparison: ComparisonTable }) {
  const figures = (['problems', 'samples'] as const).flatMap((by) => {
    const lines = rows.flatMap((row, place): PointLine[] => {
      const curve = row.power?.find((one: PowerCurve) => one.by === by);
      if (!curve || curve.points.length < 2) return [];
      const name =
        rows.length > 1 ? `${short(row.name, 30)} by ${short(row.grader, 30)}` : short(row.name, 40);
      return [{ name, place, points: curve.points.map(({ size, effect }) => ({ x: size, y: effect })) }];
    });
    return lines.length === 0 ? [] : [{ by, lines }];
  });
  if (figures.length === 0) return null;
  return (
    <>
      <h2>What would be seen</h2>
      <p class="note">
        The smallest true difference that such a comparison finds with probability {percent(power, 0)}, if its
        problems vary as these do.
      </p>
      <div class="figures">
        {figures.map(({ by, lines }) => (
          <DoublingFigure
            key={by}
            title={`Detectable difference by ${WORDS[by]}`}
            xAxis={WORDS[by]}
            yAxis="points"
            lines={lines}
          />
        ))}
      </div>
    </>
  );
}
