import { expect, it } from 'vitest';
import { evaluateDefaults, samplingSchema } from '../teacher/settings.js';
import { protocolFields } from './protocol.js';

it('whatever a response is drawn by has a name by which a comparison may differ in it', () => {
  // A seed tells samples apart, what is kept changes nothing, and further fields of a request are "other".
  const others = ['seed', 'keep_tokens', 'extra_body'];
  const keys = Object.keys(samplingSchema(evaluateDefaults).shape).filter((key) => !others.includes(key));
  expect(protocolFields).toEqual(expect.arrayContaining(keys));
});
