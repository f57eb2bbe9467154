// Draws docs/guide/images/curves.svg of curves.json, which `npm run bench:curves` measures: part of `npm run docs`.

const PANEL = { width: 190, height: 150, gap: 16 };
const LEFT = 58;
const TOP = 62;
const COLOURS = { chosen: '#0b7285', rejected: '#c2410c', loss: '#555' };
const ROWS = [
  { names: ['chosen', 'rejected'], title: 'log-prob a token' },
  { names: ['loss'], title: 'loss' },
];

/** The gravest that the sentinel said of a run, and when first. */
function verdictOf({ sightings }) {
  const found = ['collapse', 'benign decline'].flatMap((name) =>
    sightings.filter(({ verdict }) => verdict === name),
  );
  return found.length === 0
    ? { words: 'healthy' }
    : { words: `${found[0].verdict} at step ${found[0].step}`, isCollapse: found[0].verdict === 'collapse' };
}

const fixed = (value) => Number(value.toFixed(1));

/** Whole or half numbers between two ends, at most six. */
function ticksBetween(low, high) {
  const step = [0.2, 0.5, 1, 2, 5, 10].find((one) => (high - low) / one <= 5) ?? 20;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** One panel: axes, ticks and a line for each series. */
function panel({ run, row, x, y, low, high, steps, isFirst, isLast }) {
  const right = (step) => fixed(x + (step / steps) * PANEL.width);
  const down = (value) => fixed(y + ((high - value) / (high - low)) * PANEL.height);
  const parts = [
    `<rect x="${x}" y="${y}" width="${PANEL.width}" height="${PANEL.height}" fill="none" stroke="#ccc"/>`,
  ];
  for (const tick of ticksBetween(low, high)) {
    parts.push(
      `<line x1="${x}" x2="${x + PANEL.width}" y1="${down(tick)}" y2="${down(tick)}" stroke="#eee"/>`,
    );
    if (isFirst)
      parts.push(
        `<text x="${x - 6}" y="${down(tick) + 4}" text-anchor="end">${String(fixed(tick)).replace('-', '−')}</text>`,
      );
  }
  for (const name of row.names) {
    const points = run[name].map((value, i) => `${right(run.steps[i])},${down(value)}`);
    parts.push(
      `<polyline points="${points.join(' ')}" fill="none" stroke="${COLOURS[name]}" stroke-width="2"/>`,
    );
    for (const point of points) {
      const [cx, cy] = point.split(',');
      parts.push(`<circle cx="${cx}" cy="${cy}" r="2.5" fill="${COLOURS[name]}"/>`);
    }
  }
  if (isLast)
    for (const [step, anchor] of [
      [0, 'start'],
      [steps / 2, 'middle'],
      [steps, 'end'],
    ])
      parts.push(
        `<text x="${right(step)}" y="${y + PANEL.height + 16}" text-anchor="${anchor}">${step}</text>`,
      );
  return parts.join('\n');
}

/** The picture of runs that differ in α and learning rate, side by side on the same axes. */
export function curvesPicture(runs) {
  const width = LEFT + runs.length * (PANEL.width + PANEL.gap);
  const height = TOP + ROWS.length * (PANEL.height + PANEL.gap) + 38;
  const steps = Math.max(...runs.flatMap((run) => run.steps));
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-labelledby="title">`,
    '<title id="title">Log-probabilities per token of both sides, and the loss, on held-out pairs over the steps, for several α and learning rates</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
  ];
  for (const [column, run] of runs.entries()) {
    const x = LEFT + column * (PANEL.width + PANEL.gap);
    const { words, isCollapse } = verdictOf(run);
    parts.push(
      `<text x="${x}" y="${TOP - 28}" font-weight="600">α ${run.alpha}, lr ${run.lr.toExponential()}</text>`,
      `<text x="${x}" y="${TOP - 10}" fill="${isCollapse ? '#b00020' : '#333'}">${words}</text>`,
    );
    for (const [place, row] of ROWS.entries()) {
      const values = runs.flatMap((one) => row.names.flatMap((name) => one[name]));
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const space = 0.06 * (high - low);
      const y = TOP + place * (PANEL.height + PANEL.gap);
      const ends = { low: low - space, high: high + space };
      const at = { isFirst: column === 0, isLast: place === ROWS.length - 1 };
      parts.push(panel({ run, row, x, y, steps, ...ends, ...at }));
    }
  }
  for (const [place, { title }] of ROWS.entries()) {
    const y = TOP + place * (PANEL.height + PANEL.gap) + PANEL.height / 2;
    parts.push(`<text transform="translate(14 ${y}) rotate(-90)" text-anchor="middle">${title}</text>`);
  }
  parts.push(
    `<text x="${LEFT}" y="${height - 6}">steps; held-out pairs; <tspan fill="${COLOURS.chosen}">chosen</tspan>, <tspan fill="${COLOURS.rejected}">rejected</tspan></text>`,
    '</svg>',
  );
  return `${parts.join('\n')}\n`;
}
