import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A question as it came to the server. */
export interface Asked {
  model: string;
  temperature: number;
  messages: { role: string; content: string }[];
  response_format?: { type: string };
}

/** What the server says: the text of a reply, or a failure. */
export type Said = string | { status: number; headers?: Record<string, string>; message?: string };

/** An OpenAI-compatible endpoint on 127.0.0.1 that replies as `answer` says and remembers what it was asked. */
export class JudgeServer {
  readonly asked: Asked[] = [];
  /** Most requests that were under way at once. */
  most = 0;
  #underWay = 0;
  readonly #server: Server;
  readonly #answer: (asked: Asked, count: number) => Said | Promise<Said>;

  constructor(answer: (asked: Asked, count: number) => Said | Promise<Said>) {
    this.#answer = answer;
    this.#server = createServer((request, response) => {
      void this.#reply(request).then((said) => {
        const failed = typeof said !== 'string';
        response.writeHead(failed ? said.status : 200, {
          'content-type': 'application/json',
          ...(failed && said.headers),
        });
        response.end(
          JSON.stringify(
            failed
              ? { error: { message: said.message ?? 'no' } }
              : {
                  choices: [{ message: { role: 'assistant', content: said }, finish_reason: 'stop' }],
                  usage: { prompt_tokens: 100, completion_tokens: 10 },
                },
          ),
        );
      });
    });
  }

  /** Resolves with the base URL. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #reply(request: IncomingMessage): Promise<Said> {
    const asked = JSON.parse(await text(request)) as Asked;
    this.asked.push(asked);
    this.most = Math.max(this.most, ++this.#underWay);
    try {
      return await this.#answer(asked, this.asked.length);
    } finally {
      this.#underWay--;
    }
  }
}

/** A section of the question that the judge was sent. */
export function sectionOf({ messages }: Asked, tag: string): string {
  return new RegExp(`<${tag}>\n([^]*?)\n</${tag}>`).exec(messages[1]!.content)?.[1] ?? '';
}
