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

/** The files of a low-rank adapter, as PEFT names them. */
export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_FILE = 'adapter_model.safetensors';

/** A model directory with a folder of that name has an adapter in it, which is applied to its weights. */
export const ADAPTER_FOLDER = 'adapter';

/** Of the companions, what describes the weights beside them, which an adapter has none of. */
export const weightsOnly: readonly string[] = ['config.json', 'generation_config.json', 'LICENSE', 'NOTICE'];

/** All that saving a model writes; `*` stands for the numbers of shards. */
export const savedFiles = [
  ...companionFiles,
  ...[SINGLE_FILE, INDEX_FILE, 'model-*-of-*.safetensors'],
  ...[ADAPTER_CONFIG, ADAPTER_FILE],
] as const;
