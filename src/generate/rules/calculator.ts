/** @file The calculator as a decoding rule. */
import { Calculator } from '../calculator.js';
import type { Rule } from './rule.js';

/** Computes `<<expr=value>>` marks (Cobbe et al. 2021, arXiv:2110.14168): the value is put in, not sampled. */
export const calculatorRule: Rule = {
  name: 'calculator',
  begin({ begun }) {
    let calculator = new Calculator();
    // A mark may have been opened in it.
    calculator.push(begun);
    return {
      after({ piece }) {
        const value = calculator.push(piece);
        return value === undefined ? undefined : { force: value };
      },
      rewound({ text }) {
        calculator = new Calculator();
        calculator.push(begun + text);
      },
    };
  },
};
