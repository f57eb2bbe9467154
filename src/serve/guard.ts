/** @file Decides who may ask: by the address that was asked for, the page that asks, and a key. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { UserError } from '../util/errors.js';
import { ApiError } from './errors.js';

export interface GuardOptions {
  /** What requests have to show as `Authorization: Bearer KEY`; nothing where there is none. */
  key?: string | undefined;
  /** Names under which the server may be asked for, besides addresses and the machine's own. */
  hosts?: readonly string[];
  /** Origins of pages that may ask, such as `http://localhost:3000`. */
  origins?: readonly string[];
}

/** Checks the head of every request. */
export class Guard {
  readonly #key: Buffer | undefined;
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  /** @throws UserError for a host or an origin that no request could ever show */
  constructor({ key, hosts = [], origins = [] }: GuardOptions) {
    this.#key = key === undefined ? undefined : digest(key);
    this.#hosts = new Set(['localhost', hostname().toLowerCase(), ...hosts.map(hostOf)]);
    this.#origins = new Set(origins.map(originOf));
  }

  /**
   * A page of somebody else's must not reach the server through the browser of a person who can: its origin is foreign, and where its
   * name leads here (DNS rebinding), it asks for that name. A browser cannot be led here under an address by itself.
   * @throws ApiError
   */
  checkPlace({ host, origin }: IncomingHttpHeaders): void {
    const name = nameOf(host ?? '');
    if (isIP(name) === 0 && !this.#hosts.has(name))
      throw new ApiError(
        403,
        `the server is not to be asked for under the name ${JSON.stringify(name.slice(0, 100))} (--allow-host)`,
        null,
        'host_not_allowed',
      );
    if (origin !== undefined && !this.#origins.has(origin.toLowerCase()))
      throw new ApiError(
        403,
        `pages of ${JSON.stringify(origin.slice(0, 100))} may not ask this server (--allow-origin)`,
        null,
        'origin_not_allowed',
      );
  }

  /** @throws ApiError */
  checkKey({ authorization }: IncomingHttpHeaders): void {
    if (this.#key === undefined) return;
    const [, shown] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (shown === undefined)
      throw new ApiError(401, 'a key is needed: Authorization: Bearer KEY', null, 'missing_api_key');
    // Digests have one length, so that the time tells nothing of the key.
    if (!timingSafeEqual(digest(shown), this.#key))
      throw new ApiError(401, 'the key is not the right one', null, 'invalid_api_key');
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** @throws UserError for what is no name */
function hostOf(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (isIP(name) === 0 && !/^[\w-]+(?:\.[\w-]+)*$/.test(name))
    throw new UserError(
      `${JSON.stringify(text)} is not a name under which a server is asked for: give it without scheme, port and path, such as student.example`,
    );
  return name;
}

/** An origin as browsers write it. @throws UserError for what is none */
function originOf(text: string): string {
  const [, scheme, place] = /^([a-z][a-z\d+.-]*):\/\/([^/?#\s*@]+)\/?$/.exec(text.toLowerCase()) ?? [];
  if (scheme === undefined || place === undefined)
    throw new UserError(
      `${JSON.stringify(text)} is not the origin of a page: give scheme, name and port, such as http://localhost:3000`,
    );
  const usual = { http: /:80$/, https: /:443$/ }[scheme];
  return `${scheme}://${usual ? place.replace(usual, '') : place}`;
}

/** The name in a Host header, without port and brackets. */
function nameOf(host: string): string {
  const [, six, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (six ?? plain ?? '').toLowerCase().replace(/\.$/, '');
}

/**
 * What tells a browser that a page may read an answer.
 * @param asked the headers that the page wants to send: the official clients have some of their own
 */
export const corsHeaders = (origin: string, asked = ''): Record<string, string> => ({
  'access-control-allow-origin': origin,
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': /^[\w\-, ]+$/.test(asked) ? asked : 'authorization, content-type',
  'access-control-expose-headers': 'retry-after',
  'access-control-max-age': '600',
  vary: 'origin, access-control-request-headers',
});
