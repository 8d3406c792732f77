// A signalling server for calls of two: it passes on what the ends say to each other, and gives each its list of relays
// when the call starts and again whenever that changes. Its API key stays here; the ends need none.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

const { values: options } = parseArgs({
  options: {
    monitor: { type: 'string', default: 'http://127.0.0.1:8480' },
    listen: { type: 'string', default: '127.0.0.1:8491' },
  },
});
const key = process.env.TURNKEEPER_API_KEY;
const headers = key ? { Authorization: `Bearer ${key}` } : {};
const sessions = new Map(); // name -> { ends: Map of user -> { socket, region }, following: AbortController }

/** Both ends are there: one request gets the lists of both, with the same relay first. */
async function start(name, session) {
  const ends = [...session.ends].map(([user, { region }]) => ({ user, region }));
  const answer = await fetch(`${options.monitor}/v1/sessions`, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ session: name, ends }),
  });
  if (!answer.ok) throw new Error(`the monitor answered ${answer.status}: ${await answer.text()}`);
  const configs = (await answer.json()).ends;
  [...session.ends.values()].forEach(({ socket }, i) => socket.send(JSON.stringify({ type: 'start', config: configs[i] })));
  session.following?.abort();
  session.following = new AbortController();
  for (const [user, end] of session.ends) void follow(name, user, end, session.following.signal);
}

/** Passes on each new list while the call lasts: a relay died or drains, or credentials are to be renewed. */
async function follow(name, user, { socket, region }, signal) {
  const query = new URLSearchParams({ session: name, user, ...(region && { region }) });
  while (!signal.aborted) {
    try {
      const answer = await fetch(`${options.monitor}/v1/events?${query}`, { headers, signal });
      if (!answer.ok) throw new Error(`the monitor answered ${answer.status}`);
      for await (const line of createInterface({ input: Readable.fromWeb(answer.body) })) {
        if (line.startsWith('data:')) socket.send(JSON.stringify({ type: 'config', config: JSON.parse(line.slice(5)) }));
      }
    } catch (error) {
      if (!signal.aborted) console.error(`following the monitor: ${error.message}`);
    }
    await sleep(500 + 1000 * Math.random());
  }
}

function connect(socket, request) {
  // An application asks here who this is, and whether that may take part.
  const query = new URL(request.url, 'http://localhost').searchParams;
  const [name, user, region] = ['session', 'user', 'region'].map((field) => query.get(field) ?? undefined);
  if (!name || !user) return socket.close(1008, 'session and user are needed');
  const session = sessions.get(name) ?? { ends: new Map() };
  sessions.set(name, session);
  if (session.ends.size === 2 && !session.ends.has(user)) return socket.close(1008, 'this call has both of its ends');
  session.ends.set(user, { socket, region });
  socket.on('message', (data) => {
    for (const [at, end] of session.ends) if (at !== user) end.socket.send(data.toString());
  });
  socket.on('close', () => {
    if (session.ends.get(user)?.socket !== socket) return; // it has come back meanwhile
    session.ends.delete(user);
    session.following?.abort();
    if (session.ends.size === 0) sessions.delete(name);
  });
  if (session.ends.size === 2) {
    start(name, session).catch((error) => {
      console.error(error.message);
      for (const end of session.ends.values()) end.socket.close(1011, 'no relays'); // they come back
    });
  }
}

const [, host, port] = /^(.+):(\d+)$/.exec(options.listen);
const server = createServer();
new WebSocketServer({ server }).on('connection', connect);
server.listen(Number(port), host, () => console.log(`Signalling at ws://${host}:${server.address().port}`));
