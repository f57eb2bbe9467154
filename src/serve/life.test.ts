import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { EventStream } from './events.js';
import { ClientGone, RequestLife } from './life.js';

it('ends with a connection that breaks while the last event is on its way', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  client.on('error', () => undefined);
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  using life = new RequestLife(response, 3600);
  const events = new EventStream(response, {});
  events.send({ first: true });
  // The socket is gone before what was written last has left it, and nobody has been told yet.
  response.socket!.destroy();
  const ending = events.end(life.signal);
  await expect(ending).rejects.toThrow(ClientGone);
  client.destroy();
  server.close();
});
