import { describe, expect, it } from 'vitest';
import { endThatBegins, leavesThoughtOpen, ThinkingSplitter } from './thinking.js';

/** What comes of a text that is divided into pieces. */
function split(pieces: readonly string[], isOpen = false) {
  const splitter = new ThinkingSplitter(isOpen);
  const said = [...pieces.map((piece) => splitter.push(piece)), splitter.end()];
  return [said.map(({ reasoning }) => reasoning).join(''), said.map(({ content }) => content).join('')];
}

describe('a response', () => {
  it.each<[string, boolean, string, string]>([
    ['<think>a\nb</think>\n\nc', false, 'a\nb', '\n\nc'],
    ['\n <think>a</think>c', false, 'a', 'c'],
    ['a</think>c', true, 'a', 'c'],
    ['no <think>thought</think> here', false, '', 'no <think>thought</think> here'],
    ['<think>never ends </thin', false, 'never ends </thin', ''],
    ['<thinking is hard', false, '', '<thinking is hard'],
    ['<thi', false, '', '<thi'],
    ['<think></think>c</think>d', false, '', 'c</think>d'],
    ['<think>a < b </ c</think>d', false, 'a < b </ c', 'd'],
    ['', false, '', ''],
    ['  c', false, '', '  c'],
  ])('%j is divided the same however it comes', (text, isOpen, reasoning, content) => {
    expect(split([text], isOpen)).toEqual([reasoning, content]);
    expect(split(Array.from(text), isOpen)).toEqual([reasoning, content]);
    for (let at = 0; at <= text.length; at++)
      expect(split([text.slice(0, at), text.slice(at)], isOpen)).toEqual([reasoning, content]);
  });

  it('is shown as soon as it can be nothing else', () => {
    const splitter = new ThinkingSplitter(false);
    const steps: [string, string, string][] = [
      ['<', '', ''],
      ['think>', '', ''],
      ['ab<', 'ab', ''],
      ['c</thin', '<c', ''],
      ['k>', '', ''],
      ['d<', '', 'd<'],
    ];
    for (const [text, reasoning, content] of steps)
      expect(splitter.push(text)).toEqual({ reasoning, content });
  });
});

it('an open thought is the last mark of a text', () => {
  expect(['', '<think>', 'a<think>b', '<think></think>', '</think><think>'].map(leavesThoughtOpen)).toEqual([
    ...[false, true, true, false, true],
  ]);
});

it.each<[string, string[], number]>([
  ['abc', ['cd'], 1],
  ['abc', ['bcd', 'cx'], 2],
  ['abc', ['abc'], 0],
  ['abc', ['x'], 0],
  ['aab', ['aabaa', 'ab!'], 3],
  ['', ['a'], 0],
  ['abc', [], 0],
])('%j may go on to one of %j from its last %d characters', (text, marks, length) => {
  expect(endThatBegins(text, marks)).toBe(length);
});
