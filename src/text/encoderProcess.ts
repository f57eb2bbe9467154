/** @file Is the process in which `encoder.ts` encodes texts that might never end. */

import { Tokenizer } from 'tokenizers';
import { messageOf } from '../util/errors.js';
import { encodeHere, type EncodeReply, type EncodeRequest } from './encoder.js';

const tokenizer = Tokenizer.fromFile(process.argv[2]!);
tokenizer.disableTruncation();
tokenizer.disablePadding();
const encode = encodeHere(tokenizer);
const answer = (reply: EncodeReply): void => {
  process.send!(reply);
};

process.on('disconnect', () => process.exit());
process.on('SIGHUP', () => undefined); // whoever started it decides what a closed terminal means
process.on('message', ({ texts, options }: EncodeRequest) => {
  encode(texts, options).then(
    (ids) => {
      answer({ ids });
    },
    (error: unknown) => {
      answer({ error: messageOf(error) });
    },
  );
});
