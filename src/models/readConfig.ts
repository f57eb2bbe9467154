import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../util/errors.js';
import { parseConfig, type ModelConfig } from './config.js';
import { readJsonObject } from './directory.js';

/** The config of a Hugging Face model directory. */
export function readConfig(dir: string): ModelConfig {
  if (!existsSync(dir)) throw new UserError(`model directory ${dir} does not exist`);
  const path = join(dir, 'config.json');
  return parseConfig(readJsonObject(path), path);
}
