/** @file The names of the files of a model directory. Touches neither disk nor tensors. */

/** Files of a model directory beside its weights, some in a folder; saving copies those that exist. */
export const companionFiles = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'additional_chat_templates/tool_use.jinja',
  'LICENSE',
  'NOTICE',
] as const;

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/** All that saving a model writes; `*` stands for the numbers of shards. */
export const savedFiles = [...companionFiles, SINGLE_FILE, INDEX_FILE, 'model-*-of-*.safetensors'] as const;
