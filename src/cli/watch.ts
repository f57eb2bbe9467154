/** @file The command `watch`: the report's page, live. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { longWork } from './interrupt.js';
import { listening, placeOf } from './listen.js';
import { repeated } from './output.js';

const DETAILS = `
Shows the page of \`report\` while work goes on: all results in and under the folder, also those that begin later, with their curves as
they grow, responses as they come, what the sentinel says, the time that is left and the load of the machine. It reads files and writes none: the
runs know nothing of it, and it may begin, end and begin again at any time. A page whose connection broke goes on where it was.
Only this machine reaches it unless --host says otherwise: whoever does reads all problems and answers. Ctrl-C ends it.

Example:
  redistill watch
  redistill watch runs/quickstart --open
  redistill watch --port 0`;

interface Flags {
  host: string;
  port: number;
  allowHost?: string[];
  open?: boolean;
}

export function watchCommand(): Command {
  return new Command('watch')
    .description('Show runs under way as a live page in the browser.')
    .argument('[dir]', 'a folder with runs in or under it, which may come later', 'runs')
    .option('--host <address>', 'the address to listen at; 0.0.0.0 is all of the machine', '127.0.0.1')
    .option('--port <n>', 'the port to listen at; 0 is any that is free', portOf, 8008)
    .option(
      '--allow-host <name>',
      'a name under which the page may be asked for, besides addresses and localhost; may be repeated',
      repeated,
    )
    .option('--open', 'open the page in the browser')
    .addHelpText('after', DETAILS)
    .action(async (dir: string, { host, port, allowHost = [], open = false }: Flags) => {
      const { Watcher } = await import('../report/follow/watcher.js');
      const { WatchServer } = await import('../report/follow/server.js');
      await longWork('watch', 'stopped', async (progress, signal) => {
        const log = (sentence: string) => {
          progress.log(sentence);
        };
        const served = new WatchServer(new Watcher(dir), { hosts: [host, ...allowHost], onFault: log });
        try {
          const { server } = served;
          await listening({ host, port }, async () => {
            server.listen(port, host);
            await once(server, 'listening');
          });
          const { url, isLoopback } = placeOf(server);
          if (!isLoopback) log('whoever reaches this address reads what is in the runs');
          log(`watching ${dir} at ${url}`);
          if (open) openBrowser(url, log);
          if (!signal.aborted) await once(signal, 'abort');
          signal.throwIfAborted();
        } finally {
          await served.close();
        }
      });
    });
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('must be a whole number from 0 to 65535');
  return port;
}

/** What opens a page, by the system. */
const OPENERS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', win32: 'explorer' };

/** Opens an address of ours in the browser; where nothing does that, it is said. */
function openBrowser(url: string, log: (sentence: string) => void): void {
  const opener = OPENERS[process.platform] ?? 'xdg-open';
  const child = spawn(opener, [url], { detached: true, stdio: 'ignore' });
  child.once('error', () => {
    log(`there is no ${opener}, which opens pages: open ${url} yourself`);
  });
  child.unref();
}
