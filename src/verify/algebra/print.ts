/** @file Prints trees for people to read. Nothing reads the text back. */

import { toDecimalText } from '../../util/rational.js';
import type { Node, NodeOf } from './tree.js';

const MAX_LENGTH = 500;

/** Writes a tree as one line of plain mathematics for people to read, cut off after 500 characters. */
export function print(node: Node): string {
  const printed = write(node, 0);
  return printed.length > MAX_LENGTH ? `${printed.slice(0, MAX_LENGTH)}…` : printed;
}

/** Writes parts one after the other, as far as they may be printed. */
function join(nodes: readonly Node[], separator = ', ', level = 0): string {
  let text = '';
  for (const [index, node] of nodes.entries()) {
    if (text.length > MAX_LENGTH) return text;
    text += (index === 0 ? '' : separator) + write(node, level);
  }
  return text;
}

/** Writes `a \star b` and `\neg p`, whose name lists the signs between or before the sides. */
function printPlaced({ name, args }: NodeOf<'apply'>): string {
  const signs = name.replaceAll('not ', 'not').split(' ').slice(1);
  if (args.length === 1) return `${signs.join(' ')} ${write(args[0]!, 2)}`;
  return args.map((side, index) => (index === 0 ? '' : ` ${signs[index - 1]!} `) + write(side, 2)).join('');
}

/** Writes a part. `level` says how tightly its surroundings bind: 0 not at all, 1 a sum, 2 a product, 3 a power. */
function write(node: Node, level: number): string {
  const inside = (text: string, own: number) => (own < level ? `(${text})` : text);
  switch (node.kind) {
    case 'number': {
      const { n, d } = node.value;
      const text = node.written ? toDecimalText(node.value, 30, 30) : d === 1n ? String(n) : `${n}/${d}`;
      return inside(text, n < 0n ? 1 : d === 1n || node.written ? 4 : 2);
    }
    case 'constant':
    case 'symbol':
      return node.name;
    case 'text':
      return `"${node.text}"`;
    case 'sum':
      return inside(join(node.terms, ' + ', 1).replaceAll('+ -', '- '), 1);
    case 'product':
      return inside(join(node.factors, '*', 2), 2);
    case 'power':
      return inside(`${write(node.base, 4)}^${write(node.exponent, 4)}`, 3);
    case 'apply':
      if (/^(?:relation|operator) /.test(node.name)) return inside(printPlaced(node), 0);
      return `${node.name}(${join(node.args)})`;
    case 'call':
      return `${node.name}(${join(node.args)})`;
    case 'series':
      return `${node.operator}(${node.index} = ${write(node.from, 0)}..${write(node.to, 0)}, ${write(node.body, 0)})`;
    case 'plusMinus':
      return inside(`${node.flipped ? '∓' : '±'}${write(node.value, 2)}`, 1);
    case 'percent':
      return `${write(node.value, 3)}%`;
    case 'quantity':
      return inside(`${write(node.value, 2)} ${node.unit}`, 2);
    case 'based':
      return `${node.digits}_${node.base}`;
    case 'ratio':
      return inside(join(node.parts, ':', 2), 1);
    case 'residue':
      return inside(`${write(node.value, 1)} mod ${write(node.modulus, 2)}`, 1);
    case 'list':
      return join(node.items, node.items.some((item) => item.kind === 'list') ? '; ' : ', ');
    case 'set':
      return `{${join(node.items)}}`;
    case 'tuple':
      return `${node.open}${join(node.items)}${node.close === '(' ? ')' : ']'}`;
    case 'namedSet':
      return node.name === 'empty' ? '{}' : node.name;
    case 'setOperation': {
      const sign = { union: '∪', intersection: '∩', difference: '\\' }[node.operator];
      return inside(`${write(node.left, 1)} ${sign} ${write(node.right, 1)}`, 0);
    }
    case 'membership':
      return `${write(node.element, 1)} ${node.negated ? 'not in' : 'in'} ${write(node.set, 1)}`;
    case 'relation':
      return node.sides
        .map((side, index) => (index === 0 ? '' : ` ${node.operators[index - 1]!} `) + write(side, 1))
        .join('');
    case 'matrix':
      return `[${join(node.rows.map((items): Node => ({ kind: 'tuple', open: '[', close: '[', items })))}]`;
  }
}
