/** @file The command `chat`: one model or two in the terminal. */
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { computeDtypes } from '../util/computeDtype.js';
import { print, printError, standardOutput } from '../util/output.js';
import { createProgress } from '../util/progress.js';
import { Interrupted } from './interrupt.js';
import { addSettings, settingsFrom } from './settings.js';

const chatSettings = z.strictObject({
  system: z.string().optional().describe('a system message'),
  temperature: z.number().min(0).max(100).default(0.6).describe('0 is greedy'),
  top_p: z.number().positive().max(1).default(0.95).describe('sample from the likeliest tokens of this mass'),
  max_tokens: z.int().positive().default(2048).describe('tokens an answer has at most'),
  seed: z.int().min(0).default(0).describe('of the sampling'),
  dtype: z.enum(computeDtypes).default('bf16').describe('precision'),
  device: z.string().default('cpu').describe('cpu, cuda or cuda:N'),
});

export function chatCommand(): Command {
  const command = new Command('chat')
    .description('Talks with a model in the terminal, or with two side by side.')
    .argument(
      '<models...>',
      'one or two model directories, .gguf files or names that `models get` has fetched',
    );
  addSettings(command, chatSettings);
  return command
    .addHelpText(
      'after',
      `
Type a question and Enter. /help lists the commands. Ctrl-C stops an answer, a second one leaves. Two models are asked the same
and shown in columns, or one below the other where the terminal is narrow. From a pipe each line is a question.

Example:
  redistill chat ./student ./student-redi`,
    )
    .action(async (models: string[], flags: Record<string, unknown>) => {
      if (models.length > 2)
        command.error(`error: ${models.length} models are too many: chat takes one or two`);
      const settings = settingsFrom(chatSettings, flags, {}, 'chat');
      const { temperature, top_p: topP, max_tokens: maxTokens, seed } = settings;
      const sampling = { temperature, topP };
      const { checkSampling } = await import('../generate/sampling.js');
      checkSampling(sampling);
      const { openGenerator } = await import('../generate/open.js');
      const { resolveModel } = await import('../hub/resolve.js');
      const { DecodingLoop } = await import('../serve/loop.js');
      const { Conversation } = await import('../chat/conversation.js');
      const { Session } = await import('../chat/session.js');
      const { converse } = await import('../chat/terminal.js');
      const closing: (() => Promise<void>)[] = [];
      const progress = createProgress('chat');
      const onNotice = (sentence: string) => {
        progress.log(sentence);
      };
      try {
        const conversations = [];
        for (const model of models) {
          const opened = openGenerator(await resolveModel(model, progress), { ...settings, onNotice });
          const { generator, tokenizer } = opened;
          const loop = new DecodingLoop(() => generator.scheduler({ batchSize: 1 }));
          closing.push(async () => {
            await loop.close(new Error('the chat is over'));
            opened[Symbol.dispose]();
          });
          const conversation = new Conversation(basename(resolve(model)), generator, tokenizer, loop);
          if (settings.system !== undefined) conversation.begin(settings.system);
          conversations.push(conversation);
        }
        progress.finish();
        const output = standardOutput();
        const screen = { print, width: () => output.columns as number | undefined };
        const session = new Session(conversations, screen, { sampling, maxTokens, seed });
        const isTerminal = process.stdin.isTTY && output.isTTY;
        if (isTerminal)
          printError('/help lists the commands; Ctrl-C stops an answer, and once more leaves.\n');
        if (await converse(session, { input: process.stdin, output, isTerminal, print }))
          throw new Interrupted('left', 'SIGINT');
      } finally {
        for (const close of closing) await close();
      }
    });
}
