import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
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
