import { TurnkeeperClient } from './client/index.js';

const byId = (id) => document.getElementById(id);
const session = `room-${crypto.randomUUID()}`;
const forceRelay = !new URLSearchParams(location.search).has('direct');

// One end of the call. In an application the two are on different machines, and `signal` is its own signalling; here
// each message goes over to the other end as the JSON that a socket would carry.
async function join(user, polite, otherEnd) {
  const client = new TurnkeeperClient({ endpoint: location.origin, auth: { user }, session, forceRelay });
  client.on('error', (error) => note(user, error.message));
  const connection = new RTCPeerConnection(await client.configuration());
  const signal = (message) => void setTimeout((text) => otherEnd().call.receive(JSON.parse(text)), 0, JSON.stringify(message));
  const call = client.attach(connection, { signal, polite });
  call.on('restart', ({ reason, attempt }) => note(user, `ICE restart: ${reason}${attempt > 1 ? `, attempt ${attempt}` : ''}`));
  call.on('restored', ({ gap }) => note(user, `the new path works, ${gap} ms after the first sign of trouble`));
  call.on('connectionfailed', () => note(user, 'three restarts led nowhere'));
  call.on('degraded', ({ level, because }) => note(user, `the quality is ${level}: ${because.join(', ')}`));
  return { client, connection, call };
}

function note(user, text) {
  const line = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString([], { hour12: false });
  line.append(time, `${user}: ${text}`);
  byId('log').prepend(line);
}

// The monitor knows the relay's name, which is what `turnctl relay stop` wants to hear.
async function nameOf(relay) {
  const address = /^turns?:([^?]+)/.exec(relay)?.[1];
  const { clusters } = await (await fetch('/api/relays')).json();
  return clusters.flatMap(({ regions }) => regions.flatMap(({ relays }) => relays)).find((r) => r.address === address)?.name;
}

async function showPath(path) {
  byId('type').textContent = path.type;
  byId('candidates').textContent = `${path.local.candidateType} to ${path.remote.candidateType}, ${path.local.protocol}`;
  document.title = `Room: ${path.type}`;
  const name = path.relay && (await nameOf(path.relay).catch(() => undefined));
  if (path !== alice.call.path) return; // overtaken by the next one
  byId('relay').textContent = path.relay ? `${name ? `${name}, ` : ''}${path.relay}` : 'none';
  const command = document.createElement('code');
  command.textContent = `turnctl relay stop ${name}`;
  byId('advice').replaceChildren(...(name ? ['Try ', command] : []));
  note('alice', path.relay ? `on ${name ?? path.relay}` : 'direct');
}

function showQuality({ level, rtt }) {
  byId('level').textContent = level;
  byId('level').className = level;
  if (rtt !== undefined) byId('rtt').textContent = `${Math.round(rtt)} ms`;
}

// Something that moves, so that a picture that stands still shows.
function paint(canvas) {
  const context = canvas.getContext('2d');
  setInterval(() => {
    const seconds = performance.now() / 1000;
    const { width, height } = canvas;
    context.fillStyle = '#10243e';
    context.fillRect(0, 0, width, height);
    context.fillStyle = '#4fc98a';
    context.beginPath();
    context.arc(width / 2 + Math.cos(seconds * 2) * 150, height / 2 + Math.sin(seconds * 2) * 80, 22, 0, 7);
    context.fill();
    context.fillStyle = '#fff';
    context.font = '42px ui-monospace, monospace';
    context.textAlign = 'center';
    context.fillText(seconds.toFixed(2), width / 2, height / 2 + 15);
  }, 40);
  return canvas.captureStream(25);
}

const alice = await join('alice', false, () => bob);
const bob = await join('bob', true, () => alice);
alice.call.on('connection', showPath);
alice.call.on('quality', showQuality);

bob.connection.addEventListener('track', ({ streams }) => (byId('seen').srcObject = streams[0]));
const picture = paint(byId('sent'));
for (const track of picture.getTracks()) alice.connection.addTrack(track, picture);

// Neither ordered nor repeated, as media is: what is late is of no use.
const sending = alice.connection.createDataChannel('clock', { ordered: false, maxRetransmits: 0 });
setInterval(() => sending.readyState === 'open' && sending.send(''), 20);
let last;
let count = 0;
bob.connection.addEventListener('datachannel', ({ channel }) => {
  channel.onmessage = () => {
    const now = performance.now();
    const gap = now - (last ?? now);
    if (gap > 100) byId('interruption').textContent = `${Math.round(gap)} ms`;
    last = now;
    ++count;
  };
});
setInterval(() => {
  const since = performance.now() - (last ?? NaN);
  if (Number.isNaN(since)) return;
  byId('since').textContent = Math.round(since);
  byId('since').parentElement.classList.toggle('silent', since > 200);
  byId('messages').textContent = count.toLocaleString();
}, 50);
