import { describe, expect, it } from 'vitest';
import { columnStep } from '../../test/support/columnBatches.js';
import { numericalGradient, partOf, relativeError } from '../../test/support/tokenBatches.js';
import {
  createObjective,
  createTerms,
  linearLoss,
  objectiveNames,
  stepOf,
  sumOfTerms,
  weightedSum,
  weightOf,
  type Objective,
  type ReadValues,
  type ScoredBatch,
  type SequenceInfo,
} from './index.js';

const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

/** A step of which only some responses, and of them only some tokens, are there. */
function only(batch: ScoredBatch, sees: (sequence: SequenceInfo) => boolean): ScoredBatch {
  const places = [...batch.sequences.keys()].filter((i) => sees(batch.sequences[i]!));
  const part = partOf(batch, places);
  return { ...part, step: stepOf(part.sequences, batch.step), mismatched: batch.mismatched! };
}

describe('one term of weight 1', () => {
  it.each(objectiveNames)('is its objective: %s', (name) => {
    const step = columnStep(1, 'pairs');
    const [whole, term] = [createObjective({ name }), createTerms([{ name }])];
    const expected = whole.evaluate(step);
    const found = term.evaluate(step);
    expect(found.loss).toBeCloseTo(expected.loss, 13);
    expect(relativeError(found.gradient, expected.gradient)).toBeLessThan(1e-14);
    expect(found.metrics).toMatchObject(expected.metrics);
    expect(found.metrics[`loss/${name}`]).toBe(expected.loss);
    expect(found.remember).toEqual(expected.remember);
    expect({ ...term, needs: whole.needs }).toMatchObject({ data: whole.data, needs: whole.needs });
    expect(term.weights === undefined).toBe(whole.weights === undefined);
    expect(term.mismatched).toBe(whole.mismatched);
  });
});

describe('several terms', () => {
  const terms = [
    { name: 'sft', roles: ['chosen'] },
    { name: 'dpo', weight: 0.1, losses: { ipo: 1 } },
    { name: 'kl', weight: 0.3, roles: ['rejected'], segments: [0, 2] },
  ];

  it('have the loss of each by its own counts, and the derivative of their sum', () => {
    const objective = createTerms(terms);
    for (const seed of [1, 2, 3]) {
      const step = columnStep(seed, 'pairs');
      const chosen = only(step, ({ role }) => role === 'chosen');
      const sft =
        -total(chosen.sequences.map((sequence, i) => weightedSum(sequence, chosen.logps[i]!))) /
        total(chosen.sequences.map(weightOf));
      const dpo = createObjective({ name: 'dpo', losses: { ipo: 1 } }).evaluate(step).loss;
      let [kl, tokens] = [0, 0];
      step.sequences.forEach(({ role, tokenWeights, segments, columns }, i) => {
        step.logps[i]!.forEach((logp, t) => {
          if (role !== 'rejected' || segments![t] === 1) return;
          const d = columns!.reference![t]! - logp;
          kl += tokenWeights![t]! * (Math.exp(d) - d - 1);
          tokens += Math.abs(tokenWeights![t]!);
        });
      });
      const { loss, gradient, metrics } = objective.evaluate(step);
      expect(loss).toBeCloseTo(sft + 0.1 * dpo + (0.3 * kl) / tokens, 12);
      expect(metrics).toMatchObject({ 'loss/sft': expect.closeTo(sft, 12) as number, 'loss/dpo': dpo });
      const expected = numericalGradient(() => objective.evaluate(step).loss, step.logps);
      expect(relativeError(gradient, expected)).toBeLessThan(1e-6);
    }
  });

  it('add up over the pairs of a step', () => {
    const objective = createTerms(terms);
    const step = columnStep(4, 'pairs');
    const whole = objective.evaluate(step);
    const parts = [0, 1, 2, 3, 4].map((group) => {
      const places = [...step.sequences.keys()].filter((i) => step.sequences[i]!.group === group);
      return objective.evaluate(partOf(step, places));
    });
    expect(total(parts.map(({ loss }) => loss))).toBeCloseTo(whole.loss, 12);
    for (const [name, value] of Object.entries(whole.metrics))
      expect(total(parts.map(({ metrics }) => metrics[name]!)), name).toBeCloseTo(value, 12);
  });

  it('ask for what the terms ask for, of the roles that they see', () => {
    expect(createTerms(terms)).toMatchObject({
      name: 'sft + dpo + kl',
      ...{ data: 'pairs', couples: 'group', needs: { reference: 'token' } },
      formula: expect.stringMatching(
        /^1·\[.*; of chosen\] \+ 0\.1·\[.*\] \+ 0\.3·\[.*; of rejected, segments 0, 2\]$/,
      ) as string,
    });
    const mixed = createTerms([
      { name: 'sft', roles: ['rationale'] },
      { name: 'nft', roles: ['sample'] },
    ]);
    expect(mixed).toMatchObject({ data: 'groups', couples: 'token' });
    expect(mixed.needsOf!('rationale')).toEqual({});
    expect(Object.keys(mixed.needsOf!('sample'))).toEqual(['reward', 'pass_rate', 'behaviour']);
  });

  it('weigh tokens by a column, or take those of its highest numbers', () => {
    for (const seed of [1, 2, 3]) {
      const step = columnStep(seed, 'samples');
      const credit = (i: number, t: number) => step.sequences[i]!.columns!.credit![t]!;
      const weightAt = (i: number, t: number) => step.sequences[i]!.tokenWeights![t]!;
      /** −Σ w·log p / Σ|w| by hand. */
      const mean = (weight: (i: number, t: number) => number) => {
        let [loss, count] = [0, 0];
        step.logps.forEach((row, i) => {
          row.forEach((logp, t) => {
            loss -= weight(i, t) * logp;
            count += Math.abs(weight(i, t));
          });
        });
        return loss / count;
      };
      const isHigh = (i: number, t: number) => {
        const counting = [...step.logps[i]!.keys()].filter((other) => weightAt(i, other) !== 0);
        return counting.filter((other) => credit(i, other) > credit(i, t)).length < 2;
      };
      const sft = { name: 'weighted-sft', by: 'credit' };
      const cases = [
        [createTerms([sft]), mean((i, t) => credit(i, t) * weightAt(i, t))],
        [createTerms([{ ...sft, highest: 2 }]), mean((i, t) => (isHigh(i, t) ? weightAt(i, t) : 0))],
      ] as const;
      for (const [term, expected] of cases) {
        const { loss, gradient } = term.evaluate(step);
        expect(loss).toBeCloseTo(expected, 12);
        expect(term.weights!(step)).toEqual(gradient);
        expect(term.needs).toEqual({ credit: 'token' });
      }
    }
    const { needs, formula } = createTerms([
      { name: 'dpo', by: 'entropy' },
      { name: 'sft', by: 'entropy', highest: 20, segments: [1] },
    ]);
    expect(needs).toEqual({ reference: 'token', entropy: 'token' });
    expect(formula).toMatch(
      /; of tokens by their entropy] .*; of segment 1, the 20 tokens of highest entropy]$/,
    );
  });

  it('compare pairs by such weights: cDPO is DPO whose rejected tokens count by 1 − s', () => {
    const step = columnStep(2, 'pairs');
    const sequences = step.sequences.map((sequence) => ({
      ...sequence,
      columns: {
        ...sequence.columns,
        critical: sequence.columns!.contrast!.map((s) => (sequence.role === 'rejected' ? 1 - s : 1)),
      },
    }));
    const found = createTerms([{ name: 'dpo', by: 'critical' }]).evaluate({
      ...step,
      ...{ sequences, step: stepOf(sequences, step.step) },
    });
    const cdpo = createObjective({ name: 'cdpo' }).evaluate(step);
    expect(found.loss).toBeCloseTo(cdpo.loss, 13);
  });

  it('of fixed weights stay known beforehand', () => {
    const fixed = createTerms([{ name: 'redi' }, { name: 'sft', weight: 0.5, segments: [1] }]);
    const step = columnStep(5, 'pairs');
    const { loss, gradient } = fixed.evaluate(step);
    const weights = fixed.weights!(step);
    expect(weights).toEqual(gradient);
    expect(linearLoss(weights, step.logps)).toBeCloseTo(loss, 13);
    expect(createTerms([{ name: 'redi' }, { name: 'dft' }])).not.toHaveProperty('weights');
  });

  it('give RDPO: the likelihood of a rationale beside the comparison', () => {
    const pairs = columnStep(6, 'pairs');
    const rationale: SequenceInfo = { role: 'rationale', group: 0, length: 2 };
    const sequences = [...pairs.sequences, rationale];
    const batch = { sequences, step: stepOf(sequences), logps: [...pairs.logps, Float64Array.of(-1, -3)] };
    const { loss, gradient } = createTerms([
      { name: 'dpo' },
      { name: 'sft', weight: 0.5, roles: ['rationale'] },
    ]).evaluate(batch);
    expect(loss).toBeCloseTo(createObjective({ name: 'dpo' }).evaluate(pairs).loss + 0.5 * 2, 13);
    expect(gradient.at(-1)).toEqual(Float64Array.of(-0.25, -0.25));
  });

  it.each([
    [['sft', 'kl'], { data: 'groups', couples: 'token' }],
    [['sft', 'weighted-sft', 'redi'], { data: 'pairs', couples: 'token' }],
    [['glow', 'kl'], { data: 'groups', couples: 'sequence' }],
    [['kl', 'dpo', 'glow'], { data: 'pairs', couples: 'group' }],
    [['kto', 'dpo'], { data: 'pairs', couples: 'step', mismatched: true }],
    [['sft', 'dft'], { data: 'messages', couples: 'token' }],
  ])('of %j look at as much as the widest of them', (names, expected) => {
    const found = createTerms(names.map((name) => ({ name })));
    expect(found).toMatchObject(expected);
    expect('mismatched' in found).toBe('mismatched' in expected);
    const messages = createTerms([{ name: 'sft' }, { name: 'dft', roles: ['demonstration'] }]);
    expect(messages.data).toBe('groups');
    expect(createTerms([{ name: 'redi', roles: ['chosen', 'rejected'] }]).data).toBe('pairs');
  });

  it('look at a row where one does not say what it looks at', () => {
    const silent: Objective = {
      ...{ name: 'silent', formula: 'f', data: 'groups', needs: {} },
      evaluate: ({ sequences }) => ({
        ...{ loss: 1, gradient: sequences.map(({ length }) => new Float64Array(length)), metrics: {} },
      }),
    };
    expect(sumOfTerms([{ objective: silent, weight: 1 }]).couples).toBe('group');
    // Its gradient of what is read may be left out, although another term reads.
    const reading = sumOfTerms([
      { objective: { ...silent, needs: { verdict: 'named' } }, weight: 1 },
      { objective: createObjective({ name: 'epicar' }), weight: 2 },
    ]);
    const step = columnStep(7, 'samples');
    const epicar = createObjective({ name: 'epicar' }).evaluate(step);
    const rows = (of: readonly ReadValues[], by: number) =>
      of.map(({ verdict }) => verdict!.map((slope) => by * slope));
    const found = rows(reading.evaluate(step).readGradient!, 1);
    expect(relativeError(found, rows(epicar.readGradient!, 2))).toBe(0);
    const unread = { sequences: step.sequences, step: step.step, logps: step.logps };
    expect(sumOfTerms([{ objective: silent, weight: 1 }]).evaluate(unread)).not.toHaveProperty(
      'readGradient',
    );
  });

  it('read at the responses that they see', () => {
    const objective = createTerms([
      { name: 'gkd', weight: 0.5, roles: ['rejected'] },
      { name: 'gkd', weight: 0.25, beta: 1, segments: [1] },
      { name: 'sft', roles: ['chosen'] },
    ]);
    for (const seed of [1, 2, 3]) {
      const step = columnStep(seed, 'pairs');
      const alone = (role: string, name: string) =>
        createObjective({ name }).evaluate(only(step, (sequence) => sequence.role === role)).loss;
      // KL(π ‖ ν) over the listed tokens of segment 1 and the rest, by hand.
      let [reverse, tokens] = [0, 0];
      step.sequences.forEach(({ tokenWeights, segments, topK }, i) => {
        const { starts, logps: teacher } = topK!.teacher_topk!;
        const withRest = (logps: Float64Array) => {
          const listed = [...logps].map(Math.exp);
          return [...listed, 1 - total(listed)];
        };
        tokenWeights!.forEach((weight, t) => {
          if (segments![t] !== 1) return;
          const [p, q] = [step.reads![i]!.teacher_topk!, teacher!].map((logps) =>
            withRest(logps.subarray(starts[t], starts[t + 1])),
          );
          reverse += weight * total(p!.map((x, v) => x * Math.log(x / q![v]!)));
          tokens += Math.abs(weight);
        });
      });
      const { loss, readGradient } = objective.evaluate(step);
      const expected = 0.5 * alone('rejected', 'gkd') + (0.25 * reverse) / tokens + alone('chosen', 'sft');
      expect(loss).toBeCloseTo(expected, 12);
      const slopes = numericalGradient(
        () => objective.evaluate(step).loss,
        step.reads!.map((columns) => columns.teacher_topk!),
      );
      const found = readGradient!.map((columns) => columns.teacher_topk!);
      expect(relativeError(found, slopes)).toBeLessThan(1e-6);
    }
  });

  it('need the wider of two shapes of a column, whichever is first', () => {
    for (const names of [
      ['dpo', 'kl'],
      ['kl', 'dpo'],
    ])
      expect(createTerms(names.map((name) => ({ name }))).needs).toEqual({ reference: 'token' });
    expect(createTerms([{ name: 'dpo' }, { name: 'a2po' }]).needs.reference).toBe('sequence');
    expect(createTerms([{ name: 'dpo', segments: [0] }]).needs).toEqual({ reference: 'token' });
    expect(createTerms([{ name: 'topr', segments: [0] }]).needs).toEqual({
      ...{ reward: 'sequence', behaviour: 'token' },
    });
    const forAll = createTerms([{ name: 'nft' }, { name: 'sft', roles: ['rationale'] }]);
    expect(Object.keys(forAll.needsOf!('rationale'))).toEqual(['reward', 'pass_rate', 'behaviour']);
  });

  it('remember of every response or of none', () => {
    const step = columnStep(8, 'pairs');
    const plain = createObjective({ name: 'glow' }).evaluate(step).remember;
    expect(createTerms([{ name: 'sft' }, { name: 'glow' }]).evaluate(step).remember).toEqual(plain);
    expect(createTerms([{ name: 'glow', roles: ['chosen'] }]).evaluate(step)).not.toHaveProperty('remember');
  });

  it('do not see responses without weight, and count segments from 0 where there are none', () => {
    const [seen, masked, whole]: SequenceInfo[] = [
      { role: 'sample', group: 0, length: 2, tokenWeights: Float64Array.of(1, 0), weight: 1 },
      { role: 'sample', group: 1, length: 1, tokenWeights: Float64Array.of(0), weight: 0 },
      { role: 'sample', group: 2, length: 2 },
    ];
    const sequences = [seen!, masked!, whole!];
    const batch = {
      sequences,
      step: stepOf(sequences),
      logps: [Float64Array.of(-1, -2), Float64Array.of(-3), Float64Array.of(-4, -6)],
    };
    const mean = (spec: object) =>
      createTerms([{ name: 'weighted-sft', mean: 'sequence', ...spec }]).evaluate(batch).loss;
    expect(mean({})).toBe((1 + 5) / 2);
    expect(mean({ segments: [0] })).toBe((1 + 5) / 2);
    expect(mean({ segments: [1] })).toBe(0);
  });

  it('show the first term’s metric where two have one of that name', () => {
    const step = columnStep(9, 'pairs');
    const { metrics } = createTerms([{ name: 'simpo' }, { name: 'dpo' }]).evaluate(step);
    const first = createObjective({ name: 'simpo' }).evaluate(step).metrics;
    expect(metrics).toMatchObject(first);
    expect(Object.keys(metrics).sort()).toEqual([...Object.keys(first), 'loss/dpo', 'loss/simpo'].sort());
  });
});
