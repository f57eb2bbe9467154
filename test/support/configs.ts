/** @file Configurations of small models, as the tests of config.json's readers make them. */
import { parseConfig, type ModelConfig } from '../../src/models/config.js';

export const baseConfig = {
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 4,
  num_attention_heads: 4,
};
/** Parses a llama's config.json with these fields. */
export const parse = (fields: object): ModelConfig =>
  parseConfig({ ...baseConfig, model_type: 'llama', ...fields }, 'config.json');
