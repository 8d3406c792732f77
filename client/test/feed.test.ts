import assert from 'node:assert/strict';
import test from 'node:test';
import { TurnkeeperClient, type TurnkeeperOptions } from '../src/client.js';
import { ConfigFeed } from '../src/feed.js';
import { urlsOf } from '../src/ice_config.js';
import { answer } from './answers.js';
import { FakeClock, settle } from './fake_clock.js';

/** Monitors that answer as the test says. */
class Monitors {
  readonly asked: { url: URL; headers: Headers; method: string; body: string }[] = [];
  readonly streams: { send: (text: string) => void; end: () => void; closed: boolean }[] = [];
  readonly down = new Set<string>();
  relay = 'turn:a';
  ttl = 1000;
  status = 200;

  fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input));
    const body = String(init.body ?? '');
    this.asked.push({ url, headers: new Headers(init.headers), method: init.method ?? 'GET', body });
    if (this.down.has(url.host)) throw new TypeError('Failed to fetch');
    if (this.status !== 200) {
      return new Response('{"title":"Unauthorized","detail":"the API key is not the right one"}', { status: this.status });
    }
    if (url.pathname !== '/v1/events') return new Response(answer([[this.relay]], this.ttl));
    return new Response(this.#stream(init.signal as AbortSignal));
  };

  #stream(signal: AbortSignal): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    return new ReadableStream({
      start: (controller) => {
        const stream = {
          send: (text: string) => controller.enqueue(encoder.encode(text)),
          end: () => controller.close(),
          closed: false,
        };
        signal.addEventListener('abort', () => {
          stream.closed = true;
          try {
            controller.error(signal.reason);
          } catch {
            // it had ended
          }
        });
        this.streams.push(stream);
      },
    });
  }
  push(id: number, relay: string): void {
    this.streams.at(-1)?.send(`event: config\nid: ${id}\ndata: ${answer([[relay]], this.ttl)}\n\n`);
  }
  count = (path: string) => this.asked.filter(({ url }) => url.pathname === path).length;
}

function world(options: Partial<TurnkeeperOptions> = {}) {
  const clock = new FakeClock();
  const monitors = new Monitors();
  const settings = { endpoint: 'http://one', auth: { user: 'alice' }, fetch: monitors.fetch, clock, ...options };
  const feed = new ConfigFeed({
    endpoints: [settings.endpoint].flat(),
    query: { user: settings.auth.user, region: settings.region },
    token: settings.auth.token,
    fetch: monitors.fetch,
    clock,
  });
  const heard: string[] = [];
  const errors: string[] = [];
  feed.on('config', (config) => heard.push(urlsOf(config.iceServers).join()));
  feed.on('error', (error) => errors.push(error.message));
  return { clock, monitors, feed, heard, errors, client: new TurnkeeperClient(settings) };
}

test('who only wants the list gets it with one request, and no stream is held', async () => {
  const { client, monitors, clock } = world({ region: 'eu', session: 'call 1' });
  const servers = await client.iceServers();
  assert.deepEqual(servers[0]?.urls, ['turn:a']);
  assert.deepEqual(await client.iceServers(), servers);
  assert.equal(monitors.asked.map(({ url }) => url.href).join(), 'http://one/v1/ice?user=alice&region=eu&session=call+1');
  assert.equal(clock.next, undefined);
});

test('an aged list is asked for again; while the monitor is away the old one is given', async () => {
  const { client, monitors, clock } = world();
  await client.iceServers();
  await clock.pass(750_000);
  monitors.relay = 'turn:b';
  assert.deepEqual(urlsOf(await client.iceServers()), ['turn:b']);
  await clock.pass(5_000_000); // expired, even
  monitors.down.add('one');
  assert.deepEqual(urlsOf(await client.iceServers()), ['turn:b']);
});

test('with no list at all the failure is said', async () => {
  const { client, monitors } = world();
  monitors.status = 401;
  await assert.rejects(client.iceServers(), /401: the API key is not the right one/);
});

test('forceRelay is in the configuration', async () => {
  assert.equal((await world({ forceRelay: true }).client.configuration()).iceTransportPolicy, 'relay');
  assert(!('iceTransportPolicy' in (await world().client.configuration())));
});

test('callers at the same time share one request', async () => {
  const { feed, monitors } = world();
  await Promise.all([feed.refresh(), feed.refresh(), feed.get()]);
  assert.equal(monitors.count('/v1/ice'), 1);
});

test('a token is fetched for each request', async () => {
  let number = 0;
  const { feed, monitors } = world({ auth: { token: async () => `t${++number}` } });
  await feed.refresh();
  await feed.refresh();
  assert.deepEqual(monitors.asked.map(({ headers }) => headers.get('authorization')), ['Bearer t1', 'Bearer t2']);
  assert(!monitors.asked[0]?.url.search);
});

test('a push is heard at once, and the list is not asked for while pushes keep it young', async () => {
  const { feed, monitors, clock, heard } = world();
  await feed.get();
  const stop = feed.follow();
  await settle();
  monitors.push(1, 'turn:b');
  await settle();
  assert.deepEqual(heard, ['turn:a', 'turn:b']);
  for (let i = 2; i < 10; ++i) {
    // Heartbeats, and the monitor's own renewal at three quarters.
    for (let beat = 0; beat < 50; ++beat) {
      await clock.pass(15_000);
      monitors.streams[0]?.send(': heartbeat\n\n');
    }
    monitors.push(i, 'turn:b');
    await settle();
  }
  assert(monitors.count('/v1/ice') <= 9, `asked ${monitors.count('/v1/ice')} times`);
  assert.equal(monitors.count('/v1/events'), 1);
  stop();
  await settle();
  assert(monitors.streams[0]?.closed);
  await clock.pass(10_000_000);
  assert.equal(monitors.count('/v1/events'), 1);
});

test('a stream that breaks is taken up where it was, later and later', async () => {
  const { feed, monitors, clock, errors } = world();
  const stop = feed.follow();
  await settle();
  monitors.push(41, 'turn:b');
  await settle();
  monitors.streams[0]?.end();
  await clock.pass(499);
  assert.equal(monitors.count('/v1/events'), 1);
  await clock.pass(1);
  assert.equal(monitors.asked.at(-1)?.headers.get('last-event-id'), '41');
  monitors.down.add('one');
  monitors.streams[1]?.end();
  const from = monitors.count('/v1/events');
  await clock.pass(60_000);
  const tries = monitors.count('/v1/events') - from;
  assert(tries >= 5 && tries <= 8, `${tries} tries in a minute`);
  assert(errors.includes('Failed to fetch'));
  monitors.down.clear();
  await clock.pass(30_000);
  assert.equal(monitors.streams.length, 3);
  stop();
});

test('the server says how soon to come back', async () => {
  const { feed, monitors, clock } = world();
  const stop = feed.follow();
  await settle();
  monitors.streams[0]?.send('retry: 8000\n\n');
  await settle();
  monitors.streams[0]?.end();
  await clock.pass(3999);
  assert.equal(monitors.count('/v1/events'), 1);
  await clock.pass(1);
  assert.equal(monitors.count('/v1/events'), 2);
  stop();
});

test('a connection that is dead without saying so is given up when the heartbeats stop', async () => {
  const { feed, monitors, clock } = world();
  const stop = feed.follow();
  await settle();
  await clock.pass(41_000);
  assert(monitors.streams[0]?.closed);
  assert.equal(monitors.count('/v1/events'), 2);
  stop();
});

test('where no stream gets through, the list is still renewed in time', async () => {
  const { feed, monitors, clock } = world();
  await feed.get();
  monitors.down.add('one');
  const stop = feed.follow();
  await clock.pass(750_000);
  monitors.down.clear();
  monitors.relay = 'turn:c';
  await clock.pass(31_000);
  assert.deepEqual(urlsOf(feed.current?.iceServers ?? []), ['turn:c']);
  stop();
});

test('when a monitor dies the next one is asked', async () => {
  const { feed, monitors, clock } = world({ endpoint: ['http://one/', 'http://two'] });
  const stop = feed.follow();
  await settle();
  monitors.down.add('one');
  monitors.streams[0]?.end();
  await clock.pass(5000);
  assert.equal(monitors.asked.at(-1)?.url.host, 'two');
  assert.equal((await feed.refresh()).cluster, 'demo');
  stop();
});

test('an answer that is no list is an error, and changes nothing', async () => {
  const { feed, monitors, errors } = world();
  await feed.get();
  const stop = feed.follow();
  await settle();
  monitors.streams[0]?.send('event: config\nid: 5\ndata: <html>\n\n');
  await settle();
  assert.equal(errors.length, 1);
  assert.deepEqual(urlsOf(feed.current?.iceServers ?? []), ['turn:a']);
  stop();
});

test('a report is posted, without the names of the query, and its failure bothers nobody', async () => {
  const { feed, monitors, errors } = world();
  feed.report({ connected: true });
  await settle();
  const [report] = monitors.asked;
  assert.equal(`${report?.method} ${report?.url.href}`, 'POST http://one/v1/reports');
  assert.equal(report?.body, '{"connected":true}');
  monitors.status = 404;
  feed.report({});
  await settle();
  assert.deepEqual(errors, []);
});
