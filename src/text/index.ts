/**
 * @file Exports what turns messages into tokens: tokenizers with their chat templates, and rows of tokens. Loads no libtorch;
 * this is `redistill/text`.
 */
/// <reference types="node" preserve="true" />

export { sidesOf, tokenSide, type Side, type SideOptions } from './sides.js';
export { ChatTemplate, type ChatMessage } from './template.js';
export { ChatTokenizer, type TurnEnd } from './tokenizer.js';
export {
  encodePrompt,
  layouts,
  tokenRow,
  type Layout,
  type RowOptions,
  type TokenRow,
  type Where,
} from './tokenRows.js';
