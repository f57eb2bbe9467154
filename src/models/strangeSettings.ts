/** @file Finds settings of a config.json that nothing here reads and that would change what the model computes. */

/** Parts of the names of such settings, over the configurations of decoder-only models in `transformers`. */
const ARITHMETIC =
  /act(ivation)?(_|$)|alibi|attention|attn|bias|cap(ping)?$|clip|causal|compress|dim_model|embed|expert|head|hidden|intermediate|layer|lora|logit|mlp|moe|mtp|multiplier|mup|norm|position|pruned|qk_|quant|residual|(^|_)rope|rotary|scal(e|ing)|softcap|swiglu|temperature_tuning|window/;

/** Settings that match and still leave a forward pass alone: dropout, outputs, implementations, losses, starts. */
const HARMLESS =
  /drop|^_|^output_|attn_implementation|attention_implementation|^cache_|^initializer|_coef$|^(cross_attention_hidden_size|return_dict|is_decoder|auto_map|classifier_.*|summary_.*)$/;

/** Settings that say with `true` what is so anyway. */
const AFFIRMED = /^(is_causal|use_rope|use_rotary|rotary|rms_norm|use_rms_?norm)/;
/** Settings that say with 1 that nothing is multiplied. */
const FACTOR = /multiplier|scal(e|ing)|factor|pct$|pretraining_tp/;

/**
 * Returns the name of the first setting besides the `known` ones that seems to change the arithmetic: its name says so,
 * and its value is not one that leaves things as they are.
 */
export function strangeSetting(
  config: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): string | undefined {
  return Object.keys(config).find(
    (name) =>
      !known.has(name) &&
      !HARMLESS.test(name) &&
      ARITHMETIC.test(name.toLowerCase()) &&
      !isNeutral(name.toLowerCase(), config[name]),
  );
}

function isNeutral(name: string, value: unknown): boolean {
  if (AFFIRMED.test(name)) return value === true || value === null;
  if (FACTOR.test(name) && value === 1) return true;
  if (value === null || value === false || value === 0 || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
