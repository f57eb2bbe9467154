/** @file Reads the files of a model directory that describe its tokenizer. Makes no tokenizer. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, UserError } from '../util/errors.js';
import { readRegular } from '../util/regularFile.js';

/** A limit far above any tokenizer. */
const MAX_FILE_BYTES = 256e6;

const tokenField = z.union([
  z.string(),
  z.looseObject({ content: z.string() }).transform(({ content }) => content),
]);
const tokenIdField = z.number().int().nonnegative();

const tokensSchema = z.looseObject({
  bos_token: tokenField.nullish(),
  eos_token: tokenField.nullish(),
  pad_token: tokenField.nullish(),
  unk_token: tokenField.nullish(),
});
const configSchema = tokensSchema.extend({
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish(),
});
const ids = z.union([tokenIdField, z.array(tokenIdField)]).nullish();
const stopSchema = z.looseObject({ eos_token_id: ids });

const addedToken = z.looseObject({ id: z.number(), special: z.boolean(), content: z.string() });
const addedTokensSchema = z.looseObject({ added_tokens: z.array(addedToken).default([]) });
export type AddedToken = z.infer<typeof addedToken>;

/** Lists the added tokens of a tokenizer.json. */
export const addedTokens = (json: unknown): readonly AddedToken[] =>
  addedTokensSchema.safeParse(json).data?.added_tokens ?? [];

/** Reads tokenizer.json. @throws UserError where it is absent or no JSON */
export function readTokenizerJson(dir: string): { path: string; json: unknown } {
  const path = join(dir, 'tokenizer.json');
  if (!existsSync(path)) throw new UserError(`${path} is missing; a model directory must hold its tokenizer`);
  return { path, json: readJson(path) };
}

const NAMED = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const;
type TemplateName = 'default' | 'tool_use';

/** A chat template and the file that it is in. */
export interface TemplateSource {
  source: string;
  where: string;
}

/** What the files beside tokenizer.json say. */
export interface TokenizerFiles {
  /** Tokens with a part of their own, as texts. */
  tokens: Partial<Record<(typeof NAMED)[number], string>>;
  /** Ids at which generation stops by generation_config.json and config.json. */
  stops: readonly number[];
  templates: Partial<Record<TemplateName, TemplateSource>>;
}

/** Reads the files beside tokenizer.json, which may be absent. @throws UserError naming file and field */
export function readTokenizerFiles(dir: string): TokenizerFiles {
  const config = readFields(configSchema, join(dir, 'tokenizer_config.json'));
  // Older directories name the tokens here.
  const map = readFields(tokensSchema, join(dir, 'special_tokens_map.json'));
  const tokens: TokenizerFiles['tokens'] = {};
  for (const name of NAMED) {
    const token = config[name] ?? map[name];
    if (token != null) tokens[name] = token;
  }
  const templates: TokenizerFiles['templates'] = {};
  for (const name of ['default', 'tool_use'] as const) {
    const template = readTemplate(name, dir, config.chat_template);
    if (template !== undefined) templates[name] = template;
  }
  const stops = ['generation_config.json', 'config.json'].flatMap(
    (file) => readFields(stopSchema, join(dir, file)).eos_token_id ?? [],
  );
  return { tokens, stops, templates };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readRegular(path, MAX_FILE_BYTES)) as unknown;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path} is not JSON: ${messageOf(error)}`);
  }
}

function parse<T extends z.ZodType>(schema: T, value: unknown, path: string): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new UserError(`${path}: field "${issue.path.join('.')}": ${issue.message}`);
}

/** Reads the fields of a file that may be absent. */
export function readFields<T extends z.ZodType>(schema: T, path: string): z.infer<T> {
  return parse(schema, existsSync(path) ? readJson(path) : {}, path);
}

/**
 * Reads the template of a name from where transformers looks for it: beside chat_template.jinja, which is the default,
 * others are in a folder; without it they are in tokenizer_config.json.
 */
function readTemplate(
  name: TemplateName,
  dir: string,
  inline: string | { name: string; template: string }[] | null | undefined,
): TemplateSource | undefined {
  const own = join(dir, 'chat_template.jinja');
  if (existsSync(own)) {
    const where = name === 'default' ? own : join(dir, 'additional_chat_templates', `${name}.jinja`);
    return existsSync(where) ? { source: readRegular(where, MAX_FILE_BYTES), where } : undefined;
  }
  const several = Array.isArray(inline) ? inline : [{ name: 'default', template: inline }];
  const source = several.find((template) => template.name === name)?.template;
  return source == null ? undefined : { source, where: join(dir, 'tokenizer_config.json') };
}
