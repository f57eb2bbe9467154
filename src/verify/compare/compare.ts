/**
 * @file Decides whether two trees mean the same answer. Finding and reading answers is find/ and parse/.
 *
 * The ladder: the first row that applies decides. Rows that compare items, cells or values hand them to the top again;
 * a residue, a quantity and an equation report the stage that decides there. docs/verifier.md has the same table.
 *
 * | sides | decided by | stage |
 * | --- | --- | --- |
 * | the same tree | nothing else: they are equal | `structure` |
 * | names with values, on both sides | the values of the same names: (a, b) = (2, 3) is b = 3, a = 2 | `names` |
 * | a residue | the moduli if both sides have one, then the values, which may differ by moduli | `residue`, or of the values |
 * | a quantity | the values in one unit; a missing unit does not count, unlike units and words differ | `unit` |
 * | degrees and π, if they differ so far | the values, where 180° is π | `angle` |
 * | two relations | proportional links, the sides of what holds always; else the values of the same name, or the sets of reals | `relation` |
 * | an equation and anything else | the value that the equation states; if it states none, they differ | `equation` |
 * | A ⊂ B, a ⊥ b, p ⋆ q | what stands on their sides, in order unless they are symmetric | `statement` |
 * | an inequality, but the gold is not one | nothing else: they differ, except with `lenient` | `asymmetry` |
 * | inequalities or sets of reals: two lists | item by item, in any order, if that makes them equal | `set` |
 * | … two unions | part by part, in any order, if that makes them equal | `interval` |
 * | … all others | membership at the edges, beside and between them, and far out | `membership` |
 * | a matrix | cell by cell | `matrix` |
 * | two pairs in brackets | the brackets, then item by item in order | `interval` |
 * | an interval and a list or set | nothing else: they differ | `interval` |
 * | a gold tuple | item by item, in order | `tuple` |
 * | another list or set | item by item, in any order | `set` |
 * | words | the letters, ignoring case | `text` |
 * | two ratios | part by part; else as proportions | `ratio` |
 * | a ratio and a whole number | nothing else: they differ | `ratio` |
 * | two fractions | exact arithmetic | `number` |
 * | other expressions: rational functions | the values at two points of a field of a large prime | `identity` |
 * | … constants | 60 digits, and 90 where they cancel | `constant` |
 * | … all others | points of every size and sign and beside every kink, and one point to 60 digits | `sampling` |
 * | … with symbols that are whole numbers: n!, (-1)^n | the same, at a long span of these | `integer-domain` |
 * | … where too few samples have a value | nothing else: they differ | `undecided` |
 * | a written decimal, if they differ so far | both rounded to six places, below 0.001 to six significant digits | `decimal` |
 * | with k ∈ ℤ, if they differ so far | the steps and the values at 0, which may differ by whole steps | `family` |
 * | 20 and 20%, if they differ so far | the numbers without the sign, with `lenient` only | `percent` |
 */

import { exactValue } from '../algebra/exact.js';
import type { Outcome } from '../algebra/identity.js';
import {
  contains,
  difference,
  product,
  quotient,
  sameTree,
  symbolsOf,
  type Node,
  type NodeOf,
} from '../algebra/tree.js';
import type { WorkBudget } from '../algebra/workBudget.js';
import { isPlaced, isSymmetric } from '../parse/operators.js';
import { inUnit, isCountingUnit, isPlainUnit, lettersOf } from '../parse/units.js';
import { assignmentsOf } from './assignments.js';
import { sameCollection, sameInOrder } from './collections.js';
import { asQuotient, isEquation, isName, isOnlyNear, valueOf, valuesOf, withAllSigns } from './equations.js';
import { isFalseEquation } from './falseEquations.js';
import { sameFamily } from './families.js';
import { isDecomposition, sameShape } from './identities.js';
import {
  areRatioAndCount,
  areUnlikeStatements,
  haveOneName,
  isCollection,
  isInequality,
  isInterval,
  isRealSet,
  isResidue,
  isTime,
  united,
} from './kinds.js';
import { inOneNotation } from './notation.js';
import { unitInItalics, withUnitsAsFactors } from './nestedUnits.js';
import { prepared, withoutReals, withSameIntegers } from './prepare.js';
import { realSetOf, sameRealSet, type RealSet } from './realSets.js';
import { sameRelation } from './relations.js';
import { numbersOf } from './residues.js';
import { sameValue } from './value.js';
import { itemsInWords, wordOf } from './wordAnswers.js';

/** The settings of one comparison. */
export interface CompareOptions {
  /** The number of decimal places at which a number written as a decimal is compared. */
  decimals: number;
  /** Whether an inequality answers a gold that is the set it describes. The reverse is always accepted. */
  setAcceptsRelation: boolean;
  /** Whether `20` answers `20%` and `20%` answers `20`. */
  percentEitherWay: boolean;
  /** Whether a column vector and a point of the same coordinates are the same. */
  vectorIsTuple: boolean;
  budget: WorkBudget;
}

/** Decides whether `pred` means what `gold` means, and names the rung that decided. Throws only BudgetExceeded. */
export function compare(gold: Node, pred: Node, options: CompareOptions): Outcome {
  const [a, b, integers] = withSameIntegers(...inOneNotation(withoutReals(gold), pred));
  if (isOnlyNear(a, b)) return { equal: false, stage: 'relation' };
  const comparer = new Comparer(options, integers);
  const outcome = comparer.compareAnswers(a, b);
  if (outcome.equal) return outcome;
  // ±1 ± i may mean all four.
  const [all, others] = [withAllSigns(a), withAllSigns(b)];
  return all === a && others === b ? outcome : comparer.compareAnswers(all, others);
}

class Comparer {
  readonly #options: CompareOptions;
  readonly #sets = new Map<Node, RealSet | undefined>();
  readonly #integers: readonly string[];

  constructor(options: CompareOptions, integers: readonly string[]) {
    this.#options = options;
    this.#integers = integers;
  }

  /** Compares answers that were not prepared: names with values first, then down the ladder. */
  compareAnswers(gold: Node, pred: Node): Outcome {
    const [ours, theirs] = [assignmentsOf(gold), assignmentsOf(pred)];
    if (!ours || !theirs) return this.compare(prepared(gold), prepared(pred));
    const isEither = (node: Node) => node.kind === 'list' && node.joint === 'or';
    if (isEither(gold) !== isEither(pred)) return { equal: false, stage: 'names' };
    const isSame = [...ours].every(([name, value]) => {
      const other = theirs.get(name);
      return other !== undefined && this.compare(prepared(value), prepared(other)).equal;
    });
    return { equal: ours.size === theirs.size && isSame, stage: 'names' };
  }

  /** Descends the ladder of this file's head. */
  compare(gold: Node, pred: Node): Outcome {
    this.#options.budget.spend();
    if (sameTree(gold, pred)) return { equal: true, stage: 'structure' };
    if (isResidue(gold) || isResidue(pred)) return this.#residues(gold, pred);
    if (gold.kind === 'quantity' || pred.kind === 'quantity') return this.#quantities(gold, pred);
    if (gold.kind === 'relation' && pred.kind === 'relation') return this.#relations(gold, pred);
    // 7 = 5 states nothing.
    if ([gold, pred].some((node) => isEquation(node) && isFalseEquation(node, this.#options.budget)))
      return { equal: false, stage: 'equation' };
    if (isEquation(pred)) {
      const value = valueOf(pred);
      return value ? this.compare(gold, prepared(value)) : { equal: false, stage: 'equation' };
    }
    if (isEquation(gold)) {
      const value = valueOf(gold);
      if (value && isDecomposition(gold, this.#options.budget))
        return { equal: sameShape(value, pred, this.#options.budget), stage: 'equation' };
      return value ? this.compare(prepared(value), pred) : { equal: false, stage: 'equation' };
    }
    const statements = this.#statements(gold, pred);
    if (statements) return statements;
    if (isInequality(gold) || isInequality(pred) || isRealSet(gold) || isRealSet(pred)) {
      return this.#realSets(gold, pred);
    }
    if (gold.kind === 'matrix' || pred.kind === 'matrix') return this.#matrices(gold, pred);
    if (isCollection(gold) || isCollection(pred)) return this.#collections(gold, pred);
    return this.#scalars(gold, pred);
  }

  /** Compares what stands beside a relation or operator of which only its place is known; undefined for all else. */
  #statements(gold: Node, pred: Node): Outcome | undefined {
    if (!isPlaced(gold) && !isPlaced(pred)) return undefined;
    if (isPlaced(gold) && isPlaced(pred) && gold.name === pred.name) {
      const [ours, theirs] = [gold, pred].map(({ args }) => args.map(prepared)) as [Node[], Node[]];
      const isSame = this.#ordered(ours, theirs).equal;
      if (isSame || (isSymmetric(gold) && this.#ordered(ours, theirs.reverse()).equal))
        return { equal: true, stage: 'statement' };
    }
    const isStatement = [gold, pred].some((node) => isPlaced(node) && node.name.startsWith('relation '));
    return isStatement ? { equal: false, stage: 'statement' } : undefined;
  }

  /** Compares the values and then the moduli. */
  #residues(gold: Node, pred: Node): Outcome {
    if (!isResidue(gold) || !isResidue(pred)) {
      const [residue, other] = isResidue(gold) ? [gold, pred] : [pred as NodeOf<'residue'>, gold];
      const outcomes = numbersOf(residue, this.#options.budget).map((value) =>
        other === pred ? this.compare(value, pred) : this.compare(gold, value),
      );
      return outcomes.find(({ equal }) => equal) ?? outcomes[0]!;
    }
    const modulus = this.compare(gold.modulus, pred.modulus);
    if (!modulus.equal) return modulus;
    const value = this.compare(gold.value, pred.value);
    // 1 and -2 are the same modulo 3.
    const turns = value.equal
      ? undefined
      : exactValue(quotient(difference(gold.value, pred.value), gold.modulus), this.#options.budget);
    return turns ? { equal: turns.d === 1n, stage: 'residue' } : value;
  }

  /** Drops the unit if one side has none, converts it if both have one, and refuses unlike ones and words that say more. */
  #quantities(gold: Node, pred: Node): Outcome {
    if (gold.kind === 'quantity' && pred.kind === 'quantity') {
      const value = inUnit(pred.value, pred.unit, gold.unit);
      return value ? this.compare(gold.value, value) : { equal: false, stage: 'unit' };
    }
    const [quantity, other] = gold.kind === 'quantity' ? [gold, pred] : [pred as NodeOf<'quantity'>, gold];
    if (!isPlainUnit(quantity.unit) || (quantity === pred && isCountingUnit(quantity.unit)))
      return { equal: false, stage: 'unit' };
    // 1500 g and 1 N were read as products of letters as well.
    const italic = unitInItalics(other);
    if (italic) return this.#quantities(other === gold ? italic : gold, other === pred ? italic : pred);
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
    // 90° is π/2: degrees are converted only if the other side contains π.
    return { ...sameValue(gold, pred, this.#options.decimals, this.#options.budget), stage: 'angle' };
  }

  /** Compares link by link; then `x = value` by its value, inequalities as sets of reals. */
  #relations(gold: NodeOf<'relation'>, pred: NodeOf<'relation'>): Outcome {
    const [stated, other] = [valueOf(gold), valueOf(pred)];
    if (stated && other && areRatioAndCount(stated, other, this.#options.budget))
      return { equal: false, stage: 'ratio' };
    const [ours, theirs] = [withUnitsAsFactors(gold, pred), withUnitsAsFactors(pred, gold)] as const;
    if (sameRelation(ours, theirs, this.#options.budget)) return { equal: true, stage: 'relation' };
    // n ≡ 1 (mod 3) is n ≡ -2 (mod 3).
    const [right, otherRight] = [gold.sides.at(-1)!, pred.sides.at(-1)!];
    if (isResidue(right) && isResidue(otherRight) && gold.sides.length === 2 && pred.sides.length === 2) {
      const isSame = gold.operators[0] === pred.operators[0] && sameTree(gold.sides[0]!, pred.sides[0]!);
      return isSame ? this.#residues(right, otherRight) : { equal: false, stage: 'relation' };
    }
    // The values of one name may be written in different ways: x = 1/3 against x = 0.333333.
    if (isEquation(gold) && isEquation(pred)) {
      const [left, otherLeft] = [gold.sides[0]!, pred.sides[0]!];
      const [value, otherValue] = [valueOf(gold), valueOf(pred)];
      if (value && otherValue && isName(left) && sameTree(left, otherLeft))
        return this.compare(value, otherValue);
      return { equal: false, stage: 'relation' };
    }
    const [names, others] = [[...symbolsOf(ours)].join(), [...symbolsOf(theirs)].join()];
    return names === others
      ? this.#membership(ours, theirs, 'relation')
      : { equal: false, stage: 'relation' };
  }

  /** Compares both sides as sets of reals; names the rung `stage`. */
  #membership(gold: Node, pred: Node, stage: string): Outcome {
    const [a, b] = [this.#realSet(gold), this.#realSet(pred)];
    this.#options.budget.spend(400);
    return {
      equal: a !== undefined && b !== undefined && sameRealSet(a, b, this.#options.budget) === true,
      stage,
    };
  }

  /** Gives the set that a node is or describes, and remembers it: a collection's members are compared repeatedly. */
  #realSet(node: Node): RealSet | undefined {
    if (!this.#sets.has(node)) this.#sets.set(node, realSetOf(node, this.#options.budget));
    return this.#sets.get(node);
  }

  /** Compares member by member, union by union, then as sets of reals. */
  #realSets(gold: Node, pred: Node): Outcome {
    if (isInequality(pred) && !isInequality(gold) && !this.#options.setAcceptsRelation) {
      return { equal: false, stage: 'asymmetry' };
    }
    const joined = (node: Node) => node.kind === 'list' && node.joint === 'or';
    if (
      gold.kind === 'list' &&
      pred.kind === 'list' &&
      gold.items.length === pred.items.length &&
      joined(gold) === joined(pred)
    ) {
      const outcome = this.#unordered(gold.items, pred.items);
      if (outcome.equal) return outcome;
    }
    if (gold.kind === 'setOperation' && pred.kind === 'setOperation') {
      const [ours, theirs] = [united(gold), united(pred)];
      const outcome = ours && theirs && this.#unordered(ours, theirs);
      if (outcome?.equal) return { equal: true, stage: 'interval' };
    }
    return this.#membership(gold, pred, 'membership');
  }

  /** Compares cell by cell. */
  #matrices(gold: Node, pred: Node): Outcome {
    const [a, b] = [this.#asMatrix(gold), this.#asMatrix(pred)];
    if (!a || !b || a.rows.length !== b.rows.length) return { equal: false, stage: 'matrix' };
    const isSame = a.rows.every((row, index) => {
      const other = b.rows[index]!;
      return row.length === other.length && row.every((cell, column) => this.#isMember(cell, other[column]!));
    });
    return { equal: isSame, stage: 'matrix' };
  }

  #asMatrix(node: Node): NodeOf<'matrix'> | undefined {
    if (node.kind === 'matrix') return node;
    if (node.kind !== 'tuple') return undefined;
    // [[1, 2], [3, 4]]
    const rows = node.items.map((item) => (item.kind === 'tuple' ? item.items : undefined));
    if (rows.length > 1 && rows.every((row) => row !== undefined)) return { kind: 'matrix', rows };
    if (!this.#options.vectorIsTuple) return undefined;
    return { kind: 'matrix', rows: node.items.map((item) => [item]) };
  }

  /** Compares lists, sets and tuples; a tuple keeps its order, a list or set has none. */
  #collections(gold: Node, pred: Node): Outcome {
    if (isCollection(gold) && isCollection(pred)) {
      if (gold.kind !== pred.kind && (isInterval(gold) || isInterval(pred)))
        return { equal: false, stage: 'interval' };
      if (areUnlikeStatements(gold, pred)) return { equal: false, stage: 'set' };
      const [a, b] = [valuesOf(gold), valuesOf(pred)];
      // If all items are equations, they are compared as equations: a = 2, b = 19 is b = 19, a = 2.
      const haveNames =
        gold.kind === 'list' && pred.kind === 'list' && [...gold.items, ...pred.items].every(isEquation);
      if (haveNames && this.#unordered(gold.items, pred.items).equal) return { equal: true, stage: 'set' };
      // x₁ = 1, x₂ = 2 are two values of x, but n = 1, y = 2 are not two values of y.
      if (haveNames && (a.kind === 'tuple' || !haveOneName([gold, pred])))
        return { equal: false, stage: 'set' };
      if (!isCollection(a) || !isCollection(b)) return this.compare(a, b);
      if (a.kind === 'tuple' && b.kind === 'tuple') return this.#tuples(a, b);
      // A gold point keeps its order; the order of a point that answers a gold list does not count.
      if (a.kind === 'tuple') return this.#ordered(a.items, b.items);
      if (b.kind === 'tuple' && gold.kind === 'list' && a.items.length === 1)
        return this.compare(a.items[0]!, b);
      return this.#unordered(a.items, b.items);
    }
    const [list, single] = isCollection(gold) ? [valuesOf(gold), pred] : [valuesOf(pred), gold];
    if (!isCollection(list) || list.kind === 'tuple') return { equal: false, stage: 'set' };
    return isCollection(gold) ? this.#unordered(list.items, [single]) : this.#unordered([single], list.items);
  }

  /** Compares tuples in order; two items may be an interval, so that their brackets count. */
  #tuples(gold: NodeOf<'tuple'>, pred: NodeOf<'tuple'>): Outcome {
    const isInterval = gold.items.length === 2;
    if (isInterval && (gold.open !== pred.open || gold.close !== pred.close)) {
      return { equal: false, stage: 'interval' };
    }
    const outcome = this.#ordered(gold.items, pred.items);
    return isInterval ? { ...outcome, stage: 'interval' } : outcome;
  }

  #ordered(gold: readonly Node[], pred: readonly Node[]): Outcome {
    return { equal: sameInOrder(gold, pred, (a, b) => this.#isMember(a, b)), stage: 'tuple' };
  }

  #unordered(gold: readonly Node[], pred: readonly Node[]): Outcome {
    const equal = sameCollection(gold, pred, this.#options.budget, (a, b) => this.#isMember(a, b));
    return { equal, stage: 'set' };
  }

  /** Compares two members of collections: {2} is no 2 there, though by itself it answers 2. */
  #isMember(gold: Node, pred: Node): boolean {
    const isUnlike = [gold, pred].some(({ kind }) => kind === 'set') && gold.kind !== pred.kind;
    return !(isUnlike && ![gold, pred].some(isRealSet)) && this.compare(gold, pred).equal;
  }

  /** Compares words, ratios and values. */
  #scalars(gold: Node, pred: Node): Outcome {
    const [names, others] = [itemsInWords(gold), itemsInWords(pred)];
    if (names && others) return this.#unordered(names, others);
    const [word, other] = [wordOf(gold), wordOf(pred)];
    if (word !== undefined && other !== undefined && (gold.kind === 'text' || pred.kind === 'text')) {
      return { equal: word.toLowerCase() === other.toLowerCase(), stage: 'text' };
    }
    if (gold.kind === 'ratio' && pred.kind === 'ratio') return this.#ratios(gold, pred);
    const { decimals, budget, percentEitherWay } = this.#options;
    if (areRatioAndCount(gold, pred, budget)) return { equal: false, stage: 'ratio' };
    const outcome = sameValue(asQuotient(gold), asQuotient(pred), decimals, budget);
    const [integer] = this.#integers;
    if (!outcome.equal && integer !== undefined && sameFamily(gold, pred, integer, budget))
      return { equal: true, stage: 'family' };
    if (outcome.equal || !percentEitherWay || (gold.kind === 'percent') === (pred.kind === 'percent'))
      return outcome;
    const bare = (node: Node) => (node.kind === 'percent' ? node.value : node);
    return { ...sameValue(bare(gold), bare(pred), decimals, budget), stage: 'percent' };
  }

  /** Compares part by part, then as proportions, unless a part is 0 (12:00) or has a unit (4:30 pm) or both are times. */
  #ratios(gold: NodeOf<'ratio'>, pred: NodeOf<'ratio'>): Outcome {
    if (sameInOrder(gold.parts, pred.parts, (a, b) => this.compare(a, b).equal))
      return { equal: true, stage: 'ratio' };
    const isFixed = (node: Node) =>
      node.kind === 'quantity' || (node.kind === 'number' && node.value.n === 0n);
    if (
      gold.parts.length !== pred.parts.length ||
      [...gold.parts, ...pred.parts].some(isFixed) ||
      (isTime(gold) && isTime(pred))
    ) {
      return { equal: false, stage: 'ratio' };
    }
    const to = (node: NodeOf<'ratio'>, index: number) => quotient(node.parts[index]!, node.parts[0]!);
    const isSame = gold.parts.every(
      (_, index) => index === 0 || this.compare(to(gold, index), to(pred, index)).equal,
    );
    return { equal: isSame, stage: 'ratio' };
  }
}
