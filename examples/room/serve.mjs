// Serves the room, the client and the monitor from one origin, as a reverse proxy in front of an application would.
import { createReadStream } from 'node:fs';
import { createServer, request } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const usage = `Usage: node examples/room/serve.mjs [--monitor URL] [--listen HOST:PORT]
Serves the room page. Start the relays first: turnctl up -f examples/local.yaml
  --monitor URL       the monitor (default http://127.0.0.1:8480)
  --listen HOST:PORT  where the page is (default 127.0.0.1:8490; port 0: any that is free)`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        monitor: { type: 'string', default: 'http://127.0.0.1:8480' },
        listen: { type: 'string', default: '127.0.0.1:8490' },
        help: { type: 'boolean', default: false },
      },
    });
    const [, host, port] = /^(.+):(\d+)$/.exec(values.listen) ?? [];
    if (!host) throw new Error('--listen is not HOST:PORT');
    return { help: values.help, monitor: new URL(values.monitor), host, port: Number(port) };
  } catch (error) {
    console.error(`serve.mjs: ${error.message}\n${usage}`);
    process.exit(2);
  }
}

const { help, monitor, host, port } = options();
if (help) {
  console.log(usage);
  process.exit(0);
}

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const file = (path) => fileURLToPath(new URL(path, import.meta.url));

function fileOf(path) {
  const name = /^\/client\/([a-z_]+\.js)$/.exec(path)?.[1];
  if (name) return file(`../../client/dist/${name}`);
  return { '/': file('room.html'), '/room.js': file('room.js'), '/room.css': file('room.css') }[path];
}

function serveFile(path, answer) {
  const name = fileOf(path);
  const missing = () => answer.writeHead(404, { 'Content-Type': 'text/plain' }).end('There is nothing here.\n');
  if (!name) return missing();
  const stream = createReadStream(name);
  stream.on('error', missing);
  stream.on('open', () => {
    answer.writeHead(200, { 'Content-Type': `${types[extname(name)]}; charset=utf-8`, 'Cache-Control': 'no-cache' });
    stream.pipe(answer);
  });
}

function forward(asked, answer) {
  const { method, headers, url } = asked;
  const onward = request(new URL(url, monitor), { method, headers: { ...headers, host: monitor.host } }, (got) => {
    answer.writeHead(got.statusCode, got.headers);
    got.pipe(answer);
    got.on('error', () => answer.destroy());
  });
  onward.on('error', () => {
    if (answer.headersSent) return answer.destroy();
    answer.writeHead(502, { 'Content-Type': 'text/plain' }).end(`There is no monitor at ${monitor.href}\n`);
  });
  answer.on('close', () => onward.destroy()); // the page has gone: so has its event stream
  asked.pipe(onward);
}

const server = createServer((asked, answer) => {
  const { pathname } = new URL(asked.url, 'http://localhost');
  if (pathname.startsWith('/v1/') || pathname === '/api/relays') forward(asked, answer);
  else serveFile(pathname, answer);
});
server.on('error', (error) => {
  console.error(`serve.mjs: ${error.message}`);
  process.exit(1);
});
server.listen(port, host, () => console.log(`The room is at http://${host}:${server.address().port}/`));
