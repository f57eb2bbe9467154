/** @file Resolves, checks and calls operators of libtorch; the generated src/torch/ops.ts is built on it. */
import { dtypeOf } from './dtype.js';
import { explain } from './errors.js';
import { native, type Handle, type NativeValue } from './native.js';
import { Tensor } from './tensor.js';

/** An operator of libtorch, resolved on first use and checked against the schema that `ops.ts` was generated from. */
export class Op {
  #id: number | undefined;

  constructor(
    readonly name: string,
    readonly schema: string,
  ) {}

  get id(): number {
    return (this.#id ??= this.#resolve());
  }

  #resolve(): number {
    const id = native.resolve(this.name);
    if (id === undefined) throw new Error(`libtorch ${native.version()} has no operator ${this.name}`);
    const found = native.schema(id);
    if (!accepts(found, this.schema)) {
      throw new Error(
        `${this.name} is not as expected in libtorch ${native.version()}: ${found}; expected ${this.schema}`,
      );
    }
    return id;
  }
}

export interface SchemaArgument {
  type: string;
  name: string;
  hasDefault: boolean;
  keywordOnly: boolean;
}

/** Parses the arguments of a schema as libtorch prints it: `aten::add.Tensor(Tensor self, …) -> Tensor`. */
export function schemaArguments(schema: string): SchemaArgument[] {
  const list = schema.slice(schema.indexOf('(') + 1, schema.lastIndexOf(') -> '));
  const result: SchemaArgument[] = [];
  let keywordOnly = false;
  for (const part of splitTopLevel(list)) {
    if (part === '*') {
      keywordOnly = true;
      continue;
    }
    const [declaration = '', ...rest] = part.split('=');
    const space = declaration.lastIndexOf(' ');
    result.push({
      type: declaration.slice(0, space).replace(/\([^)]*\)/g, ''), // drops alias marks: Tensor(a!) is a Tensor
      name: declaration.slice(space + 1),
      hasDefault: rest.length > 0,
      keywordOnly,
    });
  }
  return result;
}

/** Splits at commas outside brackets and quotes. */
function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let nesting = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "'" || c === '"') quoted = !quoted;
    else if (quoted) continue;
    else if ('([{'.includes(c)) nesting++;
    else if (')]}'.includes(c)) nesting--;
    else if (c === ',' && nesting === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  const last = text.slice(start).trim();
  if (last !== '') parts.push(last);
  return parts;
}

/**
 * Tells whether calls written for the schema `expected` fit the schema `found`. Schemas grow at the end: the arguments
 * that we pass must still be there, in place, and later ones must have a default. Versions differ in `int` and
 * `SymInt`, `str` and `Any`, which take the same values.
 */
export function accepts(found: string, expected: string): boolean {
  if (found === expected) return true;
  const ours = schemaArguments(expected);
  const theirs = schemaArguments(found);
  return (
    ours.length <= theirs.length &&
    ours.every(
      (argument, i) => argument.name === theirs[i]!.name && plainType(argument) === plainType(theirs[i]!),
    ) &&
    theirs.slice(ours.length).every((argument) => argument.hasDefault)
  );
}

const plainType = ({ type }: SchemaArgument): string => type.replace('SymInt', 'int').replace('Any', 'str');

/** Calls an operator; an error names it and shows the tensors that it was given. */
export function invoke(op: Op, ...args: NativeValue[]): NativeValue {
  try {
    return native.call(op.id, ...args);
  } catch (error) {
    throw explain(op.name, error, givenTo(op, args));
  }
}

/** What an operator was given: the dtypes and shapes of its tensors. */
function givenTo(op: Op, args: readonly NativeValue[]): string {
  const shown = schemaArguments(op.schema).flatMap((argument, i) => {
    const value = args[i];
    if (!argument.type.startsWith('Tensor') || value === undefined || value === null) return [];
    const handles = (Array.isArray(value) ? value : [value]) as (Handle | null)[];
    return [
      `${argument.name}: ${handles.slice(0, 4).map(describe).join(', ')}${handles.length > 4 ? ', …' : ''}`,
    ];
  });
  return shown.length > 0 ? ` (${shown.join('; ')})` : '';
}

function describe(handle: Handle | null): string {
  if (handle === null) return 'none';
  try {
    return `${dtypeOf(native.dtype(handle))}[${native.shape(handle).join(', ')}]`;
  } catch {
    return 'disposed';
  }
}

// The generated functions use the following conversions.

export function wrap(value: NativeValue): Tensor {
  return new Tensor(value as Handle);
}

/** Wraps the first of several results of different kinds. */
export const firstTensor = (value: NativeValue): Tensor => wrap((value as NativeValue[])[0]);

export function tensorList(value: NativeValue): Tensor[] {
  return (value as Handle[]).map((handle) => new Tensor(handle));
}

export function handles(tensors: readonly Tensor[]): Handle[] {
  return tensors.map((tensor) => tensor.handle);
}
