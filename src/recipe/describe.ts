/** @file What a settings schema says about itself: its keys with type, default and sentence. Help texts, flags and docs/recipes.md are made of this. */
import { z } from 'zod';

/** One key of a schema; keys of a part come after the part's own. */
export interface KeyDescription {
  /** From the top: ['sampling', 'temperature']. */
  path: string[];
  kind: 'number' | 'integer' | 'text' | 'boolean' | 'choice' | 'mixed' | 'list' | 'part' | 'other';
  /** In words: "a whole number from 1 up". */
  type: string;
  /** What a text may be, where that is a choice; of a list, what its entries may be. */
  choices?: string[];
  /** Instead of a choice, {module: path} may name a JavaScript file. */
  modules?: boolean;
  minimum?: number;
  maximum?: number;
  /** The bounds themselves are not allowed. */
  exclusive?: boolean;
  /** Undefined where there is none. */
  default?: unknown;
  /** A text that looks like a number is one: the value, or an entry of the list, may be a number. */
  numeric: boolean;
  required: boolean;
  /** A sentence without its full stop. */
  text: string;
  /** A letter that stands for the key on the command line. */
  short?: string;
  /** A list of names, which have no commas on a command line. */
  names?: boolean;
  /** A text of several values with commas between them, for each of which the flag may stand. */
  joined?: boolean;
  /** Why a number may not be larger, as the end of a sentence. */
  limit?: string;
}

interface Json {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Json[];
  items?: Json;
  prefixItems?: Json[];
  properties?: Record<string, Json>;
  required?: string[];
  minimum?: number;
  /** An infinite bound is null in JSON. */
  maximum?: number | null;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  default?: unknown;
  description?: string;
  short?: string;
  names?: boolean;
  joined?: boolean;
  limit?: string;
}

/** Stands in a path for the place of a list's entry. */
export const ENTRY = '[]';

/** The keys of a schema of settings, in its order; those of a list's entries have `[]` in their path. */
export function describeKeys(schema: z.ZodType): KeyDescription[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json;
  return keysOf(json, []);
}

function keysOf(json: Json, path: readonly string[]): KeyDescription[] {
  return Object.entries(json.properties ?? {}).flatMap(([name, value]) => {
    const own = describeKey(value, [...path, name], json.required?.includes(name) ?? false);
    const [, list] = alternatives(value);
    return [own, ...keysOf(value, own.path), ...keysOf(list?.items ?? {}, [...own.path, ENTRY])];
  });
}

function describeKey(json: Json, path: string[], required: boolean): KeyDescription {
  const [single, list] = alternatives(json);
  const shape = single ?? list ?? json;
  const bounds = numberBounds(shape);
  const choices = shape.enum?.map(String) ?? list?.items?.enum?.map(String);
  const isPart = json.properties !== undefined;
  return {
    path,
    kind: list
      ? 'list'
      : isPart
        ? 'part'
        : (json.anyOf?.filter(({ type }) => type !== 'null').length ?? 1) > 1
          ? 'mixed'
          : kindOf(shape),
    type: typeInWords(json),
    ...(choices && { choices }),
    ...(json.anyOf?.some((one) => one.properties?.module) && { modules: true }),
    ...bounds,
    ...(json.default !== undefined && !isPart && { default: json.default }),
    numeric: [...(json.anyOf ?? [json]), list?.items, ...(shape.prefixItems ?? [])].some((one) =>
      isNumber(one),
    ),
    required: required && json.default === undefined,
    text: json.description ?? '',
    ...(json.short !== undefined && { short: json.short }),
    ...(json.names !== undefined && { names: json.names }),
    ...(json.joined !== undefined && { joined: json.joined }),
    ...(json.limit !== undefined && { limit: json.limit }),
  };
}

const isNumber = (json: Json | undefined): boolean => json?.type === 'integer' || json?.type === 'number';

/** A value may be given alone or as a list of such values. */
function alternatives(json: Json): [single: Json | undefined, list: Json | undefined] {
  const all = (json.anyOf ?? [json]).filter(({ type }) => type !== 'null');
  const list = all.find(({ type, prefixItems }) => type === 'array' && !prefixItems);
  return [all.find((one) => one !== list), list];
}

function numberBounds({ minimum, maximum, exclusiveMinimum }: Json) {
  const least = exclusiveMinimum ?? minimum;
  // Whole numbers are bounded by what a double can hold, which is not worth saying.
  return {
    ...(least !== undefined && least > Number.MIN_SAFE_INTEGER && { minimum: least }),
    ...(typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER && { maximum }),
    ...(exclusiveMinimum !== undefined && { exclusive: true }),
  };
}

function kindOf({ type, enum: choices, properties }: Json): KeyDescription['kind'] {
  if (choices) return 'choice';
  switch (type) {
    case 'integer':
    case 'number':
    case 'boolean':
      return type;
    case 'string':
      return 'text';
    default:
      return properties ? 'part' : 'other';
  }
}

/** "a whole number from 1 up", "one of a, b", "true or false", "a text or a list of them". */
function typeInWords(json: Json): string {
  if (json.anyOf) {
    const [, list] = alternatives(json);
    const words = json.anyOf.filter((one) => one !== list).map(typeInWords);
    const single = words.join(' or ');
    if (!list) return single;
    const same = list.items === undefined || single.includes(typeInWords(list.items));
    return `${single}, or ${same ? 'a list of them' : typeInWords(list)}`;
  }
  if (json.const !== undefined) return JSON.stringify(json.const);
  if (json.enum)
    return json.enum
      .map(String)
      .join(', ')
      .replace(/, ([^,]*)$/, ' or $1');
  switch (json.type) {
    case 'integer':
      return numberInWords('a whole number', json);
    case 'number':
      return numberInWords('a number', json);
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'string':
      return 'a text';
    case 'array':
      return json.prefixItems
        ? `[${json.prefixItems.map(typeInWords).join(', ')}]`
        : `a list, each ${json.items ? typeInWords(json.items) : 'of any kind'}`;
    case 'object':
      return json.properties ? `{${Object.keys(json.properties).join(', ')}}` : '{key: value}';
    default:
      return 'any value';
  }
}

function numberInWords(what: string, json: Json): string {
  const { minimum, maximum, exclusive } = numberBounds(json);
  const fractional = json.type === 'number';
  const least = exclusive && !fractional ? (minimum ?? 0) + 1 : minimum;
  if (json.exclusiveMaximum !== undefined)
    return exclusive && fractional
      ? `${what} above ${least} and below ${json.exclusiveMaximum}`
      : `${what} from ${least ?? 0} to below ${json.exclusiveMaximum}`;
  const from = least === undefined ? '' : exclusive && fractional ? ` above ${least}` : ` from ${least}`;
  if (maximum !== undefined)
    return `${what}${from}${exclusive && fractional ? ' and at most' : ' to'} ${maximum}`;
  return least === undefined || (exclusive && fractional) ? `${what}${from}` : `${what}${from} up`;
}

/** What a value must be, what stands in its place, and why there is an end to it. */
export const demandOf = ({ type, limit }: Pick<KeyDescription, 'type' | 'limit'>, found = ''): string =>
  `must be ${type}${found}${limit === undefined ? '' : `: ${limit}`}`;

/** A default as a recipe has it. */
export function defaultInWords(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '""' : value;
  return JSON.stringify(value);
}
