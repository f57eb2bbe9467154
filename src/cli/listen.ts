/** @file Listening at an address that a user names, and what is said where that cannot be. */
import type { AddressInfo, Server } from 'node:net';
import { UserError } from '../util/errors.js';

/** Listens. @throws UserError where nobody can listen there */
export async function listening(
  place: { host: string; port: number },
  begin: () => Promise<unknown>,
): Promise<void> {
  try {
    await begin();
  } catch (error) {
    const reasons: Record<string, string> = {
      EADDRINUSE: 'another program listens there already; take another --port',
      EACCES: 'this needs more rights; take a --port from 1024 on',
      EADDRNOTAVAIL: 'the machine has no such address; see --host',
      ENOTFOUND: 'nobody knows this name; see --host',
    };
    const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw error;
    throw new UserError(`${place.host}:${place.port}: ${reason}.`);
  }
}

/** Where a server listens, as a URL, and whether this machine alone reaches it. */
export function placeOf(server: Server): { url: string; isLoopback: boolean } {
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    isLoopback: /^127\.|^::1$/.test(address),
  };
}
