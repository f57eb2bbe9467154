/** @file Computes a digest of what decides a model's tokens, so that tokens of an earlier run can be used again. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintPath, fingerprintValue } from '../util/fingerprint.js';
import { readRegular } from '../util/regularFile.js';
import type { ChatTokenizer } from './tokenizer.js';

const TEMPLATES = [
  'tokenizer_config.json',
  'chat_template.jinja',
  'additional_chat_templates/tool_use.jinja',
];
const FILES = ['tokenizer.json', 'special_tokens_map.json', ...TEMPLATES];
const MAX_FILE_BYTES = 256e6;

/** Computes a digest of tokenizer and chat template. With a template that asks for the time, it holds for a day. */
export function tokenizerDigest({ dir, maxCharacters, stopTokenIds }: ChatTokenizer): string {
  const files = FILES.map((name) => fingerprintPath(join(dir, name)) ?? null);
  const asksForTime = TEMPLATES.map((name) => join(dir, name)).some(
    (path) => existsSync(path) && readRegular(path, MAX_FILE_BYTES).includes('strftime_now'),
  );
  const day = asksForTime ? new Date().toDateString() : null;
  return fingerprintValue({ files, maxCharacters, stopTokenIds, day });
}
