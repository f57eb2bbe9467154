/** @file Names the projections of a layer that can have an adapter. Has no tensors. */

/** As PEFT's `target_modules` names them. */
export const loraTargets = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;
