/** @file Describes parsed templates. */

import type { BinaryOperator } from './operators.js';
import type { Value } from './values.js';

/** Arguments of a call as they are written. */
export interface Arguments {
  args: readonly Expression[];
  named: readonly (readonly [string, Expression])[];
  /** What `*` and `**` spread. */
  spread: Expression | undefined;
  spreadNamed: Expression | undefined;
}

export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export type Expression =
  | { kind: 'const'; value: Value }
  | { kind: 'name'; name: string }
  | { kind: 'tuple' | 'list' | 'concat'; items: readonly Expression[] }
  | { kind: 'dict'; entries: readonly (readonly [Expression, Expression])[] }
  | { kind: 'attribute'; object: Expression; name: string }
  | { kind: 'item'; object: Expression; key: Expression }
  | { kind: 'slice'; object: Expression; bounds: readonly [Bounds, Bounds, Bounds] }
  | { kind: 'call'; callee: Expression; input: Arguments }
  | { kind: 'filter' | 'test'; name: string; value: Expression; input: Arguments }
  | { kind: 'not'; value: Expression }
  | { kind: 'sign'; sign: '+' | '-'; value: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: 'and' | 'or'; left: Expression; right: Expression }
  | { kind: 'compare'; first: Expression; rest: readonly (readonly [ComparisonOperator, Expression])[] }
  | { kind: 'if'; condition: Expression; then: Expression; otherwise: Expression | undefined }
  /** The text that a `{% filter %}` or `{% set %}` block encloses. */
  | { kind: 'body' };

type Bounds = Expression | undefined;

/** What a value is assigned to. */
export type Target =
  | { kind: 'name'; name: string }
  | { kind: 'member'; object: string; name: string }
  | { kind: 'tuple'; items: readonly Target[] };

/** The parameters and body of a macro or of the block of a call. */
export interface Routine {
  name: string;
  parameters: readonly { name: string; otherwise: Expression | undefined }[];
  body: readonly Statement[];
  /** Names that the body reads and does not set: of `caller`, `varargs` and `kwargs` those that it is given. */
  takes: ReadonlySet<string>;
}

export interface For {
  kind: 'for';
  target: Target;
  items: Expression;
  /** Which elements are walked through. */
  condition: Expression | undefined;
  isRecursive: boolean;
  body: readonly Statement[];
  otherwise: readonly Statement[];
}

export type Statement =
  | { kind: 'text'; text: string }
  | { kind: 'output'; value: Expression }
  | For
  | {
      kind: 'if';
      branches: readonly (readonly [Expression, readonly Statement[]])[];
      otherwise: readonly Statement[];
    }
  | { kind: 'set'; target: Target; value: Expression }
  | { kind: 'setBlock'; target: Target; value: Expression; body: readonly Statement[] }
  | { kind: 'filterBlock'; value: Expression; body: readonly Statement[] }
  | { kind: 'with'; targets: readonly Target[]; values: readonly Expression[]; body: readonly Statement[] }
  | { kind: 'macro'; routine: Routine }
  | { kind: 'callBlock'; call: Expression & { kind: 'call' }; routine: Routine }
  | { kind: 'generation'; body: readonly Statement[] }
  | { kind: 'break' | 'continue' };
