/** @file Computes a digest of what decides a model's tokens, so that tokens of an earlier run can be used again. */
import { join } from 'node:path';
import { fingerprintPath, fingerprintValue } from '../util/fingerprint.js';
import type { ChatTokenizer } from './tokenizer.js';

const FILES = [
  ...['tokenizer.json', 'special_tokens_map.json', 'tokenizer_config.json'],
  ...['chat_template.jinja', 'additional_chat_templates/tool_use.jinja'],
];

/** Computes a digest of tokenizer and chat template. With a template that asks for the time, it holds for a day. */
export function tokenizerDigest(tokenizer: ChatTokenizer): string {
  const { dir, maxCharacters, stopTokenIds, asksForTime, date = new Date().toDateString() } = tokenizer;
  const files = FILES.map((name) => fingerprintPath(join(dir, name)) ?? null);
  return fingerprintValue({ files, maxCharacters, stopTokenIds, day: asksForTime ? date : null });
}
