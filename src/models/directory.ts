/** @file Reads and checks a Hugging Face model directory without loading tensors or libtorch. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError, messageOf } from '../util/errors.js';
import { readRegular } from '../util/regularFile.js';
import { readSafetensorsHeader } from '../torch/safetensorsFormat.js';
import { parseConfig, type ModelConfig } from './config.js';
import { INDEX_FILE, SINGLE_FILE } from './modelFiles.js';
import { overridden, type ModelOverrides } from './overrides.js';

/** A limit far above any configuration or index. */
const MAX_JSON_BYTES = 64e6;

/** Reads a JSON object. @throws UserError that names the file if it is absent, too large or not an object */
export function readJsonObject(path: string): Record<string, unknown> {
  const text = readRegular(path, MAX_JSON_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${path} is not JSON (${messageOf(error)})`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new UserError(`${path} is not a JSON object`);
}

/**
 * Reads the config of a model directory.
 * @param overrides what is changed of it
 * @throws UserError that names what is missing or not supported
 */
export function readConfig(directory: string, overrides?: ModelOverrides): ModelConfig {
  if (!existsSync(directory)) throw new UserError(`model directory ${directory} does not exist`);
  const path = join(directory, 'config.json');
  const config = readJsonObject(path);
  if (overrides === undefined) return parseConfig(config, path);
  return parseConfig(overridden(config, overrides), `${path} with model_overrides`);
}

/**
 * Lists the safetensors files of a model directory: the single one, or all shards that the index names. Names that lead
 * out of the directory are refused.
 */
export function weightFiles(directory: string): string[] {
  if (existsSync(join(directory, SINGLE_FILE))) return [SINGLE_FILE];
  const index = join(directory, INDEX_FILE);
  if (!existsSync(index)) {
    throw new UserError(
      `${directory} has neither ${SINGLE_FILE} nor ${INDEX_FILE}: give a model in Hugging Face's format, or a .gguf file`,
    );
  }
  return [...new Set(Object.values(readWeightMap(index)))].sort();
}

/** Reads the index's map from tensor names to shard names. */
export function readWeightMap(index: string): Record<string, string> {
  const map = readJsonObject(index).weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map) || Object.keys(map).length === 0) {
    throw new UserError(`${index} has no weight_map from tensors to files`);
  }
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !/^[\w][\w.-]*\.safetensors$/.test(shard)) {
      throw new UserError(
        `${index}: the weight_map puts ${tensor} into ${JSON.stringify(shard)}, which is not one of its files`,
      );
    }
  }
  return map as Record<string, string>;
}

/**
 * Checks that a directory holds a complete model in Hugging Face's format: configuration, tokenizer, and weights whose
 * headers are valid and which hold every tensor that the index lists. Of the weights only headers are read.
 * @throws UserError that names the file and what is wrong.
 */
export function checkModelDirectory(directory: string): void {
  for (const name of ['config.json', 'tokenizer.json']) {
    if (existsSync(join(directory, name))) continue;
    throw new UserError(`${directory} has no ${name}: give a model directory in Hugging Face's format`);
  }
  if (typeof readJsonObject(join(directory, 'config.json')).model_type !== 'string') {
    throw new UserError(`${join(directory, 'config.json')} has no model_type`);
  }
  const files = weightFiles(directory);
  const found = new Map<string, string>();
  for (const file of files) {
    const path = join(directory, file);
    if (!existsSync(path))
      throw new UserError(`${directory} lacks ${file}, which its index names; fetch it again`);
    for (const { name } of readSafetensorsHeader(path).entries) found.set(name, file);
  }
  if (files.length === 1 && files[0] === SINGLE_FILE) return;
  for (const [tensor, file] of Object.entries(readWeightMap(join(directory, INDEX_FILE)))) {
    if (found.get(tensor) !== file) {
      throw new UserError(
        `${basename(directory)}: ${file} lacks the tensor ${tensor}, which ${INDEX_FILE} lists`,
      );
    }
  }
}
