import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ExactNumber,
  numberText,
  parseJson,
  plainNumber,
  readNumber,
  TooDeep,
  writeJson,
} from './exactJson.js';

describe('parseJson and writeJson', () => {
  it.each([
    '9007199254740993',
    '-12345678901234567890',
    '1000000000000000000000',
    '0.1234567890123456789',
    '0.1000000000000000055511151231257827',
    '1e400',
    '-2.5E-999',
    '123456789012345678901234567890.5e-3',
  ])('keep %s, which no double holds, as it stands', (text) => {
    const json = `{"a":${text},"b":[{"c":"x\\\\\\"${text}","d":[${text},1]}]}`;
    const value = parseJson(json) as { a: ExactNumber };
    expect(value.a).toEqual(new ExactNumber(text));
    expect(numberText(value.a)).toBe(text);
    expect(plainNumber(value.a)).toBeUndefined();
    expect(writeJson(value as object)).toBe(json);
    expect(JSON.parse(JSON.stringify(value))).toMatchObject({ a: text });
  });

  it.each(['0', '-5', '9007199254740991', '0.1', '0.30000000000000004', '12.5e-1', '1.50', '10', '5e-324'])(
    'read %s as a number',
    (text) => {
      expect(parseJson(`[${text}]`)).toEqual([Number(text)]);
      expect(readNumber(text)).toBe(Number(text));
    },
  );

  it.each(['1.0', '-0.0', '0e5', '18.000', '1e23', '1.5E1', '1.7976931348623157e308'])(
    'keep %s, which Python reads as a float, apart from ints',
    (text) => {
      const json = `{"a":${text},"b":[0.5,${text},[{"c":${text}}],"${text}"],"__proto__":{"x":${text}}}`;
      const value = parseJson(json) as { a: ExactNumber };
      expect(value.a).toEqual(new ExactNumber(text));
      expect(plainNumber(value.a)).toBe(Number(text));
      expect(numberText(value.a)).toBe(String(Number(text)));
      expect(writeJson(value)).toBe(json);
    },
  );

  it('agree with JSON.parse and JSON.stringify on everything else', () => {
    const json =
      '{"__proto__":{"x":1},"constructor":"\\ud800","nul":"\\u0000","":[[],{},null,true,-0.5,"\\\\\\"[{"],"é":"ü𝄞"}';
    expect(parseJson(json)).toEqual(JSON.parse(json));
    expect(writeJson(parseJson(json) as object)).toBe(JSON.stringify(JSON.parse(json)));
    expect(Object.keys(parseJson(`{"__proto__":{"x":9007199254740993},"y":1}`) as object)).toEqual([
      '__proto__',
      'y',
    ]);
  });

  it.each([
    '{"a":01234567890123456789}',
    '{"a":12345678901234567890.}',
    '{"a":"',
    '',
    '[1e]',
    '{"a":--12345678901234567}',
  ])('refuse %s as JSON.parse does', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  it('bound the nesting, not the brackets in texts', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJson(nested(128))).toEqual(JSON.parse(nested(128)));
    expect(() => parseJson(nested(129))).toThrow(TooDeep);
    expect(() => parseJson('{"a":'.repeat(1_000_000))).toThrow('nested too deeply, more than 128 levels');
    expect(parseJson(JSON.stringify([nested(5000)]))).toEqual([nested(5000)]);
    expect(parseJson(`[${'[],'.repeat(5000)}1]`)).toHaveLength(5001);
  });
});

it('what a schema refuses of such a number is said in words', () => {
  const { error } = z.object({ tokens: z.number() }).safeParse(parseJson('{"tokens": 1e400}'));
  expect(error!.issues[0]!.message).toMatch(
    /expected number, received a number that JavaScript would change$/,
  );
});
