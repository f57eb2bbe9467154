/** @file What other trainers' keys are called here, for the message about a key that is unknown. Data. */

/** A key of TRL, transformers, axolotl or LLaMA-Factory. */
export interface ForeignKey {
  /** The key here, from the top of a stage's keys; the first that the stage has counts. Empty where there is none. */
  keys: readonly string[];
  /** How the value becomes one here, or what to do where there is no such key. */
  note?: string;
  /** What to say where the stage has none of the keys. */
  elsewhere?: string;
}

const BATCH =
  'which counts all rows, or pairs, of an optimizer step: per_device_train_batch_size × gradient_accumulation_steps × devices';
const LORA = 'without which all weights are trained';
const PRECISION = 'dtype: bf16 (the default) or f32';
const QUANTISED = 'models are not quantised for training';
const LOGGING = 'every step is a line of metrics.jsonl';
const TRACKERS = 'metrics are written to metrics.jsonl in the run’s folder';
const EVENTS = 'true for event files in the run’s folder; metrics.jsonl is always there';
const DEVICES =
  'how many processes train is said when they are started: redistill train --nproc N (run and study have that flag too), or torchrun';
const IN_STEPS = 'in steps; also development.every';
const DATA = 'JSON lines on the disk';
const IN_PAIRS = 'the data’s fields decide: messages, or prompt, chosen and rejected';

const to = (note: string | undefined, ...keys: string[]): ForeignKey => ({
  keys,
  ...(note !== undefined && { note }),
});
const none = (note: string): ForeignKey => ({ keys: [], note });

const table: Record<string, ForeignKey> = {
  // The optimizer and its schedule.
  learning_rate: to(undefined, 'optimizer.lr'),
  lr: to(undefined, 'optimizer.lr'),
  weight_decay: to(undefined, 'optimizer.weight_decay'),
  adam_beta1: to('the first of the two', 'optimizer.betas'),
  adam_beta2: to('the second of the two', 'optimizer.betas'),
  adam_epsilon: to(undefined, 'optimizer.eps'),
  max_grad_norm: to(undefined, 'optimizer.clip_grad_norm'),
  gradient_clipping: to(undefined, 'optimizer.clip_grad_norm'),
  lr_scheduler_type: to('linear, cosine or constant', 'schedule.decay'),
  lr_scheduler: to('linear, cosine or constant', 'schedule.decay'),
  warmup_ratio: to(undefined, 'schedule.warmup_ratio'),
  warmup_steps: to('warmup_steps divided by all steps', 'schedule.warmup_ratio'),
  optim: to('the optimizer is AdamW; "adamw_8bit" is "8bit"', 'optimizer.moments'),
  // How much is trained.
  num_train_epochs: to(undefined, 'epochs'),
  num_epochs: to(undefined, 'epochs'),
  per_device_train_batch_size: to(BATCH, 'batch_size'),
  train_batch_size: to(BATCH, 'batch_size'),
  micro_batch_size: to(BATCH.replace('per_device_train_batch_size', 'micro_batch_size'), 'batch_size'),
  gradient_accumulation_steps: to(
    `${BATCH}; what goes through the model at once is "token_budget"`,
    'batch_size',
  ),
  per_device_eval_batch_size: to('rows at once', 'batch_size'),
  // Rows and tokens.
  rope_theta: to(undefined, 'model_overrides.rope_theta'),
  rope_scaling: to('as config.json has it', 'model_overrides.rope_scaling'),
  max_position_embeddings: to(undefined, 'model_overrides.max_position_embeddings'),
  overrides_of_model_config: to(undefined, 'model_overrides'),
  max_length: to(undefined, 'max_length', 'sampling.max_tokens'),
  max_seq_length: to(undefined, 'max_length'),
  max_seq_len: to(undefined, 'max_length'),
  sequence_len: to(undefined, 'max_length'),
  cutoff_len: to('longer rows are left out, not cut', 'max_length'),
  max_prompt_length: to(undefined, 'max_length', 'max_prompt_tokens'),
  max_completion_length: to(undefined, 'max_length', 'max_response_tokens', 'sampling.max_tokens'),
  packing: none('rows are always packed, up to "token_budget" tokens, and never see each other'),
  sample_packing: none('rows are always packed, up to "token_budget" tokens, and never see each other'),
  padding_free: none('there is no padding'),
  group_by_length: none('rows are packed, so lengths need no grouping'),
  train_on_inputs: none('only responses are trained'),
  completion_only_loss: none('only responses are trained'),
  assistant_only_loss: none('only responses are trained'),
  chat_template: none('the template is that of the model’s tokenizer'),
  template: none('the template is that of the model’s tokenizer; "layout" says how it is cut'),
  // Precision and memory.
  bf16: to(PRECISION, 'dtype'),
  fp16: to(`${PRECISION}; there is no fp16`, 'dtype'),
  tf32: to(PRECISION, 'dtype'),
  torch_dtype: to(PRECISION, 'dtype'),
  gradient_checkpointing: to(undefined, 'recompute'),
  activation_checkpointing: to(undefined, 'recompute'),
  load_in_4bit: none(QUANTISED),
  load_in_8bit: none(QUANTISED),
  quantization_bit: none(QUANTISED),
  flash_attention: none('attention is chosen by the device'),
  attn_implementation: none('attention is chosen by the device'),
  flash_attn: none('attention is chosen by the device'),
  deepspeed: none(DEVICES),
  fsdp: none(DEVICES),
  ddp_timeout: none(DEVICES),
  ddp_backend: none(DEVICES),
  nproc: none(DEVICES),
  nproc_per_node: none(DEVICES),
  num_processes: none(DEVICES),
  num_machines: none(DEVICES),
  world_size: none(DEVICES),
  local_rank: none(DEVICES),
  // Models, data and places.
  model_name_or_path: to(undefined, 'model'),
  base_model: to(undefined, 'model'),
  model_name: to(undefined, 'model'),
  model_id: to(undefined, 'model'),
  pretrained_model_name_or_path: to(undefined, 'model'),
  dataset_name: to(DATA, 'data'),
  dataset: to(DATA, 'data'),
  datasets: to(DATA, 'data'),
  dataset_path: to(DATA, 'data'),
  train_file: to(undefined, 'data'),
  data_path: to(undefined, 'data'),
  output_dir: {
    keys: ['out'],
    elsewhere: 'a stage has a folder of its own in that of the run, which is "out" at the top of the recipe',
  },
  hub_model_id: none('nothing is uploaded; the model is a directory'),
  push_to_hub: none('nothing is uploaded; the model is a directory'),
  seed: to(undefined, 'seed', 'sampling.seed'),
  data_seed: to(undefined, 'seed'),
  // The objective.
  beta: to('as a parameter: objective: { name: …, beta: … }', 'objective'),
  pref_beta: to('as its parameter "beta"', 'objective'),
  alpha: to('as a parameter: objective: { name: …, alpha: … }', 'objective'),
  gamma: to('as a parameter: objective: { name: …, gamma: … }', 'objective'),
  simpo_gamma: to('as its parameter "gamma"', 'objective'),
  loss_type: to('by its name, such as objective: { name: dpo }', 'objective'),
  pref_loss: to('by its name, such as objective: { name: dpo }', 'objective'),
  rl: to('by its name, such as objective: { name: dpo }', 'objective'),
  finetuning_type: to(LORA, 'lora'),
  label_smoothing: none('label smoothing is not there yet'),
  label_smoothing_factor: none('label smoothing is not there yet'),
  ref_model: to('reference'),
  ref_model_name_or_path: to('reference'),
  is_pref: none(IN_PAIRS),
  // Adapters.
  use_peft: to(LORA, 'lora'),
  peft_config: to(LORA, 'lora'),
  adapter: to(LORA, 'lora'),
  r: to(undefined, 'lora.rank'),
  lora_r: to(undefined, 'lora.rank'),
  lora_rank: to(undefined, 'lora.rank'),
  lora_alpha: to(undefined, 'lora.alpha'),
  lora_dropout: none('adapters have no dropout'),
  lora_target: to(undefined, 'lora.target_modules'),
  lora_target_modules: to(undefined, 'lora.target_modules'),
  lora_target_linear: to('all-linear', 'lora.target_modules'),
  use_rslora: to(undefined, 'lora.use_rslora'),
  use_dora: to(undefined, 'lora.use_dora'),
  peft_use_rslora: to(undefined, 'lora.use_rslora'),
  peft_use_dora: to(undefined, 'lora.use_dora'),
  // Saving, logging and evaluating on the way.
  save_steps: to('in steps', 'save.every'),
  saves_per_epoch: to('in steps', 'save.every'),
  save_strategy: to('in steps', 'save.every'),
  save_total_limit: to('and save.states limits the states to resume from', 'save.keep'),
  save_only_model: to('0 keeps no state to resume from', 'save.states'),
  load_best_model_at_end: to('which keeps the weights that are best by best.metric', 'best'),
  metric_for_best_model: to('such as eval_loss or eval_accuracy', 'best.metric'),
  greater_is_better: none('of a loss less is better, of an accuracy more'),
  early_stopping_patience: to(undefined, 'best.patience'),
  resume_from_checkpoint: none(
    '`redistill train --resume RUN` and `redistill run` go on from a run’s last state',
  ),
  overwrite_output_dir: none('a stage’s result is replaced when the new one is whole'),
  logging_steps: none(LOGGING),
  logging_strategy: none(LOGGING),
  logging_dir: to(EVENTS, 'tensorboard'),
  report_to: to(EVENTS, 'tensorboard'),
  wandb_project: none(TRACKERS),
  run_name: none('the run is called by its folder'),
  eval_steps: to(IN_STEPS, 'evaluation.every'),
  eval_strategy: to(IN_STEPS, 'evaluation.every'),
  evaluation_strategy: to(IN_STEPS, 'evaluation.every'),
  eval_dataset: to(undefined, 'evaluation.data'),
  val_set_size: to('in rows', 'evaluation.rows'),
  loss_watchdog_threshold: to('what happens where a run collapses', 'sentinel.act'),
  do_train: none('the stage’s kind says what is done'),
  do_eval: to(IN_STEPS, 'evaluation.every'),
  // Sampling.
  max_new_tokens: to(undefined, 'sampling.max_tokens'),
  max_completion_tokens: to(undefined, 'sampling.max_tokens'),
  temperature: to(undefined, 'sampling.temperature'),
  top_p: to(undefined, 'sampling.top_p'),
  top_k: to('as extra_body: { top_k: 20 }', 'sampling.extra_body'),
  min_p: to('as extra_body: { min_p: 0.05 }', 'sampling.extra_body'),
  repetition_penalty: to('as extra_body: { repetition_penalty: 1.1 }', 'sampling.extra_body'),
  do_sample: to('0 is greedy', 'sampling.temperature'),
  num_return_sequences: to(undefined, 'samples'),
  num_samples: to(undefined, 'samples'),
  n: to(undefined, 'samples'),
  num_fewshot: none('there are no shots; put them into "instruction"'),
  limit: to(undefined, 'count'),
  tasks: to('a file of problems with answers', 'data'),
  system_prompt: to(undefined, 'system'),
};

/** By the name that the key has there. */
export const foreignKeys: ReadonlyMap<string, ForeignKey> = new Map(Object.entries(table));

/** What to say about another trainer's key; undefined where it is none, or means nothing to this schema. */
export function foreignHint(
  name: string,
  schemaKeys: ReadonlySet<string>,
  nameOf: (path: readonly string[]) => string,
): { hint: string; key?: string } | undefined {
  const found = foreignKeys.get(name.replaceAll('-', '_').toLowerCase());
  if (!found) return undefined;
  const key = found.keys.find((candidate) => schemaKeys.has(candidate));
  if (key !== undefined) {
    const note = found.note === undefined ? '' : `, ${found.note}`;
    return { hint: `here it is ${nameOf(key.split('.'))}${note}`, key };
  }
  const hint = found.keys.length === 0 ? found.note : found.elsewhere;
  return hint === undefined ? undefined : { hint };
}
