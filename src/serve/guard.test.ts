import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { ApiError } from './errors.js';
import { Guard } from './guard.js';

function statusOf(body: () => void): number {
  try {
    body();
    return 200;
  } catch (error) {
    return (error as ApiError).status;
  }
}

describe('the place', () => {
  const guard = new Guard({ hosts: ['Student.example'], origins: ['http://localhost:3000'] });
  it.each<[string, number]>([
    ['127.0.0.1:8000', 200],
    ['127.0.0.1', 200],
    ['[::1]:8000', 200],
    ['192.168.1.7:8000', 200],
    ['localhost:8000', 200],
    ['LOCALHOST', 200],
    ['localhost.:8000', 200],
    [`${hostname()}:8000`, 200],
    ['student.example:8000', 200],
    ['evil.example:8000', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['127.0.0.1@evil.example', 403],
    ['', 403],
    ['[::1', 403],
    ['a:b:c', 403],
  ])('%j is answered by %d', (host, status) => {
    expect(
      statusOf(() => {
        guard.checkPlace({ host });
      }),
    ).toBe(status);
  });
  it.each<[string, number]>([
    ['http://localhost:3000', 200],
    ['http://localhost:3001', 403],
    ['http://127.0.0.1:8000', 403],
    ['http://evil.example', 403],
    ['null', 403],
    ['', 403],
  ])('a page of %j is answered by %d', (origin, status) => {
    expect(
      statusOf(() => {
        guard.checkPlace({ host: 'localhost', origin });
      }),
    ).toBe(status);
  });
});

describe('who is named', () => {
  it.each([
    ['http://localhost:3000/', 'http://localhost:3000'],
    ['HTTPS://Page.Example:443', 'https://page.example'],
    ['http://page.example:80', 'http://page.example'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
  ])('as the origin %j may ask as %j', (named, origin) => {
    new Guard({ origins: [named] }).checkPlace({ host: 'localhost', origin });
  });
  it.each([
    '*',
    'null',
    '',
    'localhost:3000',
    'http://',
    'http://a/b',
    'http://a?b',
    'http://*.a',
    'http://a b',
  ])('is no origin that a request could show: %j', (origin) => {
    expect(() => new Guard({ origins: [origin] })).toThrow(UserError);
  });
  it.each(['Student.example.', '10.0.0.7', '::1', 'a_b-c'])('as the host %j is asked for', (host) => {
    const name = host.replace(/\.$/, '');
    new Guard({ hosts: [host] }).checkPlace({ host: name.includes(':') ? `[${name}]:80` : `${name}:80` });
  });
  it.each(['*', '', 'http://a', 'a:8000', 'a/b', '[::1]', 'a b', '.a'])(
    'is no host that a request could ask for: %j',
    (host) => {
      expect(() => new Guard({ hosts: [host] })).toThrow(UserError);
    },
  );
});

describe('the key', () => {
  const guard = new Guard({ key: 'right' });
  it.each<[string | undefined, number]>([
    ['Bearer right', 200],
    ['bearer right', 200],
    ['Bearer wrong', 401],
    ['Bearer right2', 401],
    ['Bearer ', 401],
    ['right', 401],
    ['Basic right', 401],
    ['Bearer right right', 401],
    [undefined, 401],
  ])('%j is answered by %d', (authorization, status) => {
    expect(
      statusOf(() => {
        guard.checkKey({ authorization });
      }),
    ).toBe(status);
  });
  it('is not asked for where there is none', () => {
    new Guard({}).checkKey({});
  });
});
