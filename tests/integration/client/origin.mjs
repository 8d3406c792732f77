// An application's own origin: an empty page, the client, and the monitor's /v1/ behind it, as a reverse proxy would have it.
//   node origin.mjs MONITOR HOST:PORT [--no-proxy]     prints the address; port 0: any that is free
import { createReadStream } from 'node:fs';
import { createServer, request } from 'node:http';
import { fileURLToPath } from 'node:url';

const [monitor, listen, proxy] = process.argv.slice(2);
const [, host, port] = /^(.+):(\d+)$/.exec(listen);
const client = fileURLToPath(new URL('../../../client/dist/index.js', import.meta.url));
const modules = fileURLToPath(new URL('../../../client/node_modules/', import.meta.url));

function forward(asked, answer) {
  const { method, headers, url } = asked;
  const onward = request(new URL(url, monitor), { method, headers: { ...headers, host: new URL(monitor).host } }, (got) => {
    answer.writeHead(got.statusCode, got.headers);
    got.pipe(answer);
    got.on('error', () => answer.destroy());
  });
  onward.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
  answer.on('close', () => onward.destroy()); // the page has gone: so has its event stream
  asked.pipe(onward);
}

function file(name, answer) {
  const stream = createReadStream(name);
  stream.on('error', () => answer.writeHead(404).end());
  stream.on('open', () => stream.pipe(answer.writeHead(200, { 'Content-Type': 'text/javascript; charset=utf-8' })));
}

const server = createServer((asked, answer) => {
  const { pathname } = new URL(asked.url, 'http://localhost');
  if (pathname.startsWith('/v1/') && proxy !== '--no-proxy') forward(asked, answer);
  else if (pathname === '/client.js') file(client, answer);
  else if (/^\/modules\/[\w@/.-]+\.js$/.test(pathname) && !pathname.includes('..')) file(modules + pathname.slice(9), answer);
  else answer.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>a page</title>');
});
server.listen(Number(port), host, () => console.log(`http://${host}:${server.address().port}/`));
