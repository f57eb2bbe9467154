import type { Rational } from '../../util/rational.js';
import type { Budget } from '../algebra/budget.js';
import { sameCollection, sameInOrder } from './collections.js';
import type { Outcome } from '../algebra/identity.js';
import { reduceMatrices } from '../parse/matrices.js';
import { sameValue } from './value.js';
import { realSetOf, sameRealSet, type RealSet } from './realSets.js';
import { sameRelation } from './relations.js';
import {
  asQuotient,
  isEquation,
  isName,
  shortened,
  valueOf,
  valuesOf,
  withoutApproximation,
  withoutIntegers,
  withSigns,
} from './equations.js';
import {
  contains,
  mapChildren,
  number,
  product,
  quotient,
  sameTree,
  substitute,
  symbol,
  symbolsOf,
  type Node,
  type NodeOf,
} from '../algebra/tree.js';
import { conversion, isRadian, lettersOf } from '../parse/units.js';
import { withWordsRead, wordOf } from './words.js';

export interface Comparison {
  /** Places at which a number written as a decimal is compared. */
  decimals: number;
  /** Whether a set as the gold answer accepts an inequality that describes it, as the reverse always is. */
  setAcceptsRelation: boolean;
  /** Whether `20` answers `20%` and the other way round. */
  percentEitherWay: boolean;
  /** Whether a column vector and a point of the same coordinates are the same. */
  vectorIsTuple: boolean;
  budget: Budget;
}

/** Whether `pred` says what `gold` says, and which rung of the ladder decided. Throws only BudgetExceeded. */
export function compare(gold: Node, pred: Node, options: Comparison): Outcome {
  const [a, b] = withSameIntegers(gold, pred);
  return new Comparer(options).compare(prepared(a), prepared(b));
}

/** `kπ, k ∈ ℤ` and `nπ, n ∈ ℤ` with the same letter and without saying what it is; that may be left out. */
function withSameIntegers(gold: Node, pred: Node): readonly [Node, Node] {
  const [a, b] = [withoutIntegers(gold), withoutIntegers(pred)];
  const isAlike = b.integers.length === 0 || a.integers.length === b.integers.length;
  if (a.integers.length === 0) return [gold, b.node];
  if (!isAlike || a.integers.some(({ set }, index) => set !== (b.integers[index]?.set ?? set)))
    return [gold, pred];
  const names = new Map(b.integers.map(({ name }, index) => [name, symbol(a.integers[index]!.name)]));
  return [a.node, substitute(b.node, names)];
}

/** An answer with approximations dropped, signs chosen, chains shortened, memberships as their sets. */
function prepared(node: Node): Node {
  if (node.kind === 'list' || node.kind === 'set') {
    const items = withSigns({ ...node, items: node.items.map(withoutApproximation) });
    return mapChildren(items, prepared);
  }
  const plain = shortened(withSigns(withoutApproximation(node)));
  if (plain.kind === 'list') return mapChildren(plain, prepared);
  if (plain.kind === 'membership' && isName(plain.element)) {
    const set = prepared(plain.set);
    return plain.negated
      ? { kind: 'setOperation', operator: 'difference', left: { kind: 'namedSet', name: 'R' }, right: set }
      : set;
  }
  return withWordsRead(reduceMatrices(plain));
}

type Collection = NodeOf<'list' | 'set' | 'tuple'>;
const isCollection = (node: Node): node is Collection =>
  node.kind === 'list' || node.kind === 'set' || node.kind === 'tuple';

const isInequality = (node: Node): boolean =>
  node.kind === 'relation'
    ? !isEquation(node)
    : node.kind === 'list' && node.items.every((item) => item.kind === 'relation' && !isEquation(item));

/** What is a set of reals whatever it is compared with. */
const isRealSet = (node: Node): boolean => node.kind === 'setOperation' || node.kind === 'namedSet';

class Comparer {
  private readonly sets = new Map<Node, RealSet | undefined>();

  constructor(private readonly options: Comparison) {}

  compare(gold: Node, pred: Node): Outcome {
    this.options.budget.spend();
    if (sameTree(gold, pred)) return { equal: true, stage: 'structure' };
    if (gold.kind === 'residue' || pred.kind === 'residue') return this.residues(gold, pred);
    if (gold.kind === 'quantity' || pred.kind === 'quantity') return this.quantities(gold, pred);
    if (gold.kind === 'relation' && pred.kind === 'relation') return this.relations(gold, pred);
    if (isEquation(pred)) {
      const value = valueOf(pred);
      return value ? this.compare(gold, prepared(value)) : { equal: false, stage: 'equation' };
    }
    if (isEquation(gold)) {
      const value = valueOf(gold);
      return value ? this.compare(prepared(value), pred) : { equal: false, stage: 'equation' };
    }
    if (isInequality(gold) || isInequality(pred) || isRealSet(gold) || isRealSet(pred)) {
      return this.realSets(gold, pred);
    }
    if (gold.kind === 'matrix' || pred.kind === 'matrix') return this.matrices(gold, pred);
    if (isCollection(gold) || isCollection(pred)) return this.collections(gold, pred);
    return this.scalars(gold, pred);
  }

  private residues(gold: Node, pred: Node): Outcome {
    if (gold.kind !== 'residue') return this.compare(gold, pred.kind === 'residue' ? pred.value : pred);
    if (pred.kind !== 'residue') return this.compare(gold.value, pred);
    const value = this.compare(gold.value, pred.value);
    return value.equal ? this.compare(gold.modulus, pred.modulus) : value;
  }

  /** Units are dropped where one side has none, converted where both are known, and refused where they are unlike. */
  private quantities(gold: Node, pred: Node): Outcome {
    if (gold.kind === 'quantity' && pred.kind === 'quantity') {
      const units = [gold.unit, pred.unit];
      if (units.some(isRadian) && units.includes('degree'))
        return this.compare(withoutRadian(gold), withoutRadian(pred));
      const factor = conversion(pred.unit, gold.unit);
      if (factor === 'unlike') return { equal: false, stage: 'unit' };
      const value = factor ? product(number(factor), pred.value) : pred.value;
      return this.compare(gold.value, value);
    }
    const [quantity, other] = gold.kind === 'quantity' ? [gold, pred] : [pred as NodeOf<'quantity'>, gold];
    const plain = this.compare(
      gold.kind === 'quantity' ? gold.value : gold,
      pred.kind === 'quantity' ? pred.value : pred,
    );
    // A unit that was written in italics, `10 m/s`, was read as a product of letters.
    const letters = plain.equal || symbolsOf(other).size === 0 ? undefined : lettersOf(quantity.unit);
    if (letters) {
      const written = product(quantity.value, letters);
      return this.compare(other === pred ? written : gold, other === pred ? pred : written);
    }
    const isPi = (part: Node) => part.kind === 'constant' && part.name === 'pi';
    if (plain.equal || quantity.unit !== 'degree' || !contains(other, isPi)) return plain;
    // 90° is π/2.
    return { ...sameValue(gold, pred, this.options.decimals, this.options.budget), stage: 'angle' };
  }

  private relations(gold: NodeOf<'relation'>, pred: NodeOf<'relation'>): Outcome {
    if (sameRelation(gold, pred, this.options.budget)) return { equal: true, stage: 'relation' };
    // A written decimal on the right: x = 1/3 against x = 0.333333.
    if (isEquation(gold) && isEquation(pred)) {
      const [left, otherLeft] = [gold.sides[0]!, pred.sides[0]!];
      const [value, otherValue] = [valueOf(gold), valueOf(pred)];
      if (value && otherValue && isName(left) && sameTree(left, otherLeft))
        return this.compare(value, otherValue);
      return { equal: false, stage: 'relation' };
    }
    return this.membership(gold, pred, 'relation');
  }

  private membership(gold: Node, pred: Node, stage: string): Outcome {
    const [a, b] = [this.realSet(gold), this.realSet(pred)];
    this.options.budget.spend(400);
    return { equal: a !== undefined && b !== undefined && sameRealSet(a, b) === true, stage };
  }

  /** The set that a node is or describes; members of collections are asked for more than once. */
  private realSet(node: Node): RealSet | undefined {
    if (!this.sets.has(node)) this.sets.set(node, realSetOf(node, this.options.budget));
    return this.sets.get(node);
  }

  private realSets(gold: Node, pred: Node): Outcome {
    if (isInequality(pred) && !isInequality(gold) && !this.options.setAcceptsRelation) {
      return { equal: false, stage: 'asymmetry' };
    }
    if (gold.kind === 'list' && pred.kind === 'list' && gold.items.length === pred.items.length) {
      const outcome = this.unordered(gold.items, pred.items);
      if (outcome.equal) return outcome;
    }
    if (gold.kind === 'setOperation' && pred.kind === 'setOperation') {
      const [ours, theirs] = [united(gold), united(pred)];
      const outcome = ours && theirs && this.unordered(ours, theirs);
      if (outcome?.equal) return { equal: true, stage: 'interval' };
    }
    return this.membership(gold, pred, 'membership');
  }

  private matrices(gold: Node, pred: Node): Outcome {
    const [a, b] = [this.asMatrix(gold), this.asMatrix(pred)];
    if (!a || !b || a.rows.length !== b.rows.length) return { equal: false, stage: 'matrix' };
    const isSame = a.rows.every((row, index) => {
      const other = b.rows[index]!;
      return (
        row.length === other.length && row.every((cell, column) => this.compare(cell, other[column]!).equal)
      );
    });
    return { equal: isSame, stage: 'matrix' };
  }

  private asMatrix(node: Node): NodeOf<'matrix'> | undefined {
    if (node.kind === 'matrix') return node;
    if (node.kind !== 'tuple' || !this.options.vectorIsTuple) return undefined;
    return { kind: 'matrix', rows: node.items.map((item) => [item]) };
  }

  private collections(gold: Node, pred: Node): Outcome {
    if (isCollection(gold) && isCollection(pred)) {
      const [a, b] = [valuesOf(gold), valuesOf(pred)];
      // Equations of both sides are compared as they are: a = 2, b = 19 is b = 19, a = 2.
      const haveNames =
        gold.kind === 'list' && pred.kind === 'list' && [...gold.items, ...pred.items].every(isEquation);
      if (haveNames && this.unordered(gold.items, pred.items).equal) return { equal: true, stage: 'set' };
      if (haveNames && a.kind === 'tuple') return { equal: false, stage: 'set' };
      if (!isCollection(a) || !isCollection(b)) return this.compare(a, b);
      if (a.kind === 'tuple' && b.kind === 'tuple') return this.tuples(a, b);
      // A point keeps its order; against a gold list the order of a point means nothing.
      if (a.kind === 'tuple') return this.ordered(a.items, b.items);
      if (b.kind === 'tuple' && gold.kind === 'list' && a.items.length === 1)
        return this.compare(a.items[0]!, b);
      return this.unordered(a.items, b.items);
    }
    const [list, single] = isCollection(gold) ? [valuesOf(gold), pred] : [valuesOf(pred), gold];
    if (!isCollection(list) || list.kind === 'tuple') return { equal: false, stage: 'set' };
    return isCollection(gold) ? this.unordered(list.items, [single]) : this.unordered([single], list.items);
  }

  private tuples(gold: NodeOf<'tuple'>, pred: NodeOf<'tuple'>): Outcome {
    const isInterval = gold.items.length === 2;
    if (isInterval && (gold.open !== pred.open || gold.close !== pred.close)) {
      return { equal: false, stage: 'interval' };
    }
    const outcome = this.ordered(gold.items, pred.items);
    return isInterval ? { ...outcome, stage: 'interval' } : outcome;
  }

  private ordered(gold: readonly Node[], pred: readonly Node[]): Outcome {
    return { equal: sameInOrder(gold, pred, (a, b) => this.compare(a, b).equal), stage: 'tuple' };
  }

  private unordered(gold: readonly Node[], pred: readonly Node[]): Outcome {
    const equal = sameCollection(gold, pred, this.options.budget, (a, b) => this.compare(a, b).equal);
    return { equal, stage: 'set' };
  }

  private scalars(gold: Node, pred: Node): Outcome {
    const [word, other] = [wordOf(gold), wordOf(pred)];
    if (word !== undefined && other !== undefined && (gold.kind === 'text' || pred.kind === 'text')) {
      return { equal: word.toLowerCase() === other.toLowerCase(), stage: 'text' };
    }
    if (gold.kind === 'ratio' && pred.kind === 'ratio') return this.ratios(gold, pred);
    const { decimals, budget, percentEitherWay } = this.options;
    const outcome = sameValue(asQuotient(gold), asQuotient(pred), decimals, budget);
    if (outcome.equal || !percentEitherWay || (gold.kind === 'percent') === (pred.kind === 'percent'))
      return outcome;
    const bare = (node: Node) => (node.kind === 'percent' ? node.value : node);
    return { ...sameValue(bare(gold), bare(pred), decimals, budget), stage: 'percent' };
  }

  /** Proportional parts. With a part that is 0 (12:00) or has a unit (4:30 pm) they are no proportions. */
  private ratios(gold: NodeOf<'ratio'>, pred: NodeOf<'ratio'>): Outcome {
    if (sameInOrder(gold.parts, pred.parts, (a, b) => this.compare(a, b).equal))
      return { equal: true, stage: 'ratio' };
    const isFixed = (node: Node) =>
      node.kind === 'quantity' || (node.kind === 'number' && isNothing(node.value));
    if (gold.parts.length !== pred.parts.length || [...gold.parts, ...pred.parts].some(isFixed)) {
      return { equal: false, stage: 'ratio' };
    }
    const to = (node: NodeOf<'ratio'>, index: number) => quotient(node.parts[index]!, node.parts[0]!);
    const isSame = gold.parts.every(
      (_, index) => index === 0 || this.compare(to(gold, index), to(pred, index)).equal,
    );
    return { equal: isSame, stage: 'ratio' };
  }
}

const withoutRadian = (node: NodeOf<'quantity'>): Node => (isRadian(node.unit) ? node.value : node);

const isNothing = (value: Rational) => value.n === 0n;

/** The members of a union, undefined where something else than unions joins them. */
function united(node: Node): Node[] | undefined {
  if (node.kind !== 'setOperation') return [node];
  if (node.operator !== 'union') return undefined;
  const [left, right] = [united(node.left), united(node.right)];
  return left && right && [...left, ...right];
}
