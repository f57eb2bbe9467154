import { describe, expect, it } from 'vitest';
import { operationsOf } from './operations.js';

describe('operationsOf', () => {
  it.each<[number | undefined, Record<string, unknown>]>([
    [1, { equation: '* number0 number1' }],
    [2, { equation: '- + number0 number1 number2' }],
    [1, { equation: '- -3 number1' }],
    [2, { answer: '48/2 = <<48/2=24>>24.\n48+24 = <<48+24=72>>72.\n#### 72' }],
    [1, { answer: '7', solution: 'It is <<3+4=7>>7' }],
    [undefined, { answer: '7' }],
    [undefined, { equation: 'number0' }],
  ])('is %s for %j', (operations, row) => {
    expect(operationsOf(row)).toBe(operations);
  });
});
