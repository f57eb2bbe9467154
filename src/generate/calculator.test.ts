import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Calculator, calculate } from './calculator.js';

describe('calculate', () => {
  it.each([
    ['48/2', '24'],
    ['16-3-4', '9'],
    ['12/60', '0.2'],
    ['0.1+0.2', '0.3'],
    ['2*(3+4)*5', '70'],
    ['5-8', '-3'],
    ['3+-5', '-2'],
    ['-(2-5)', '3'],
    [' 3 * ( 4 + 1 ) ', '15'],
    ['1,000*2', '2000'],
    ['10,440,000/2', '5220000'],
    ['$12*2', '24'],
    ['2-$54', '-52'],
    ['3*(2+150%)', '10.5'],
    ['100*5%', '5'],
    ['6×7÷2', '21'],
    ['100/3', '33.3333'],
    ['200/3', '66.6667'],
    ['-200/3', '-66.6667'],
    ['1/30000', '0.00003333'],
    ['9.99999/3', '3.33333'],
    ['2/2.0', '1'],
    ['1.50*3', '4.50'],
    ['1.50*2', '3'],
    ['.50/2', '.25'],
    ['-.5/2', '-.25'],
    ['2*0', '0'],
    ['560//10', '56'],
    ['7//2', '3'],
    ['-7//2', '-4'],
  ])('%s = %s', (expression, value) => {
    expect(calculate(expression)).toBe(value);
  });

  it.each([
    '',
    ' ',
    '3/0',
    '3/(1-1)',
    '3+',
    '*3',
    '2**3',
    '7///2',
    '(3',
    '3)',
    '1 2',
    '3(4)',
    '28-2x',
    'X*.25',
    '1.2.3',
  ])('nonsense: %j', (expression) => {
    expect(calculate(expression)).toBeUndefined();
  });

  it.each(['1,2', '1,0000', '.', '%', '$', '1e9', '0x10', 'alert(1)', '[1]', '2;3', 'constructor'])(
    'not arithmetic: %j',
    (expression) => {
      expect(calculate(expression)).toBeUndefined();
    },
  );

  it('bounds length, depth and magnitude', () => {
    expect(calculate(`${'('.repeat(33)}1${')'.repeat(33)}`)).toBeUndefined();
    expect(calculate(`${'('.repeat(32)}1${')'.repeat(32)}`)).toBe('1');
    expect(calculate('-'.repeat(199) + '1')).toBe('-1');
    expect(calculate('1+'.repeat(100) + '1')).toBeUndefined();
    expect(calculate('9'.repeat(19))).toBeUndefined();
    expect(calculate('9'.repeat(18))).toBe('9'.repeat(18));
    expect(calculate('1/' + '2/'.repeat(90) + '2')?.length).toBeLessThan(50);
  });
});

const marksFile = new URL('../../../shared/data/gsm8k/train.jsonl', import.meta.url);
const hasMarks = existsSync(marksFile);
if (!hasMarks) console.warn(`skipped: the marks of GSM8K's training split (${marksFile.pathname} is absent)`);

describe.skipIf(!hasMarks)("GSM8K's own marks", () => {
  it('agrees with the value of all 23,716 and the spelling of 97 %', () => {
    const marks = [...readFileSync(marksFile, 'utf8').matchAll(/<<([^=>]*)=([^>]*)>>/g)];
    expect(marks.length).toBe(23_716);
    let spelled = 0;
    for (const [mark, expression, value] of marks) {
      const ours = calculate(expression!);
      // Number() is an independent reader; no mark has more than 15 significant digits.
      expect(Number(ours), mark).toBe(Number(value));
      if (ours === value) spelled++;
    }
    expect(spelled).toBe(23_098);
  });

  it('forces every mark when the text is streamed one character at a time', () => {
    const text = readFileSync(marksFile, 'utf8').slice(0, 200_000);
    const calculator = new Calculator();
    let forced = 0;
    for (const character of text) {
      if (calculator.push(character) !== undefined) forced++;
    }
    expect(forced).toBe([...text.matchAll(/<<[^=>]*=/g)].length);
  });
});

/** Pushes the pieces and returns what was forced after each. */
function forcedBy(...pieces: string[]): (string | undefined)[] {
  const calculator = new Calculator();
  return pieces.map((piece) => calculator.push(piece));
}

const none = undefined;

describe('Calculator', () => {
  it('forces the value after the first = of an open mark, and only there', () => {
    expect(forcedBy('48/2', ' =', ' <<', '4', '8', '/', '2', '=')).toEqual([
      ...new Array<undefined>(7),
      '24>>',
    ]);
    expect(forcedBy('x = 3')).toEqual([none]);
    expect(forcedBy('<<', '1+1', '=', '2', '>>', '2', ' = ', '<<2*3=')).toEqual([
      none,
      none,
      '2>>',
      none,
      none,
      none,
      none,
      '6>>',
    ]);
  });

  it('gives the same when forced text is not pushed back', () => {
    expect(forcedBy('<<1+1=', '2 apples, then <<2*3', '=')).toEqual(['2>>', none, '6>>']);
  });

  it('finds a mark that is split or merged with its neighbours', () => {
    expect(forcedBy('<', '<3', '+5=')).toEqual([none, none, '8>>']);
    expect(forcedBy('$<<(3+5', ')=')).toEqual([none, '8>>']);
    expect(forcedBy('a<', 'b<', '<3+5', '=')).toEqual([none, none, none, '8>>']);
    expect(forcedBy('<<1+1=2>>2 and <<2+2=')).toEqual(['4>>']);
  });

  it('continues a value that the piece has begun', () => {
    expect(forcedBy('<<5-8', '=-')).toEqual([none, '3>>']);
    expect(forcedBy('<<1/2', '=.')).toEqual([none, '5>>']);
    expect(forcedBy('<<8*2', '=1')).toEqual([none, '6>>']);
    expect(forcedBy('<<8*2=16>')).toEqual(['>']);
  });

  it('leaves a different value to the model', () => {
    expect(forcedBy('<<8*2', '=-', '3', '>>', '<<1+1=')).toEqual([none, none, none, none, '2>>']);
    expect(forcedBy('<<8*2=16>>', '=')).toEqual([none, none]);
    expect(forcedBy('<<8*2', '==')).toEqual([none, none]);
  });

  it('leaves nonsense, division by zero and closed or abandoned marks alone', () => {
    expect(forcedBy('<<x+1', '=')).toEqual([none, none]);
    expect(forcedBy('<<1/0', '=')).toEqual([none, none]);
    expect(forcedBy('<<1+1>>', '=')).toEqual([none, none]);
    expect(forcedBy('<<1+1\n', '=')).toEqual([none, none]);
    expect(forcedBy('<<1+1<<2+2', '=')).toEqual([none, '4>>']);
    expect(forcedBy(`<<${'1+'.repeat(150)}1`, '=')).toEqual([none, none]);
  });
});
