import { TurnkeeperClient } from './client.js';

const byId = (id) => document.getElementById(id);
const session = `room-${crypto.randomUUID()}`;
const forceRelay = !new URLSearchParams(location.search).has('direct');
const ends = {}; // by name
byId('by-relay').hidden = !forceRelay;
byId('by-any').hidden = forceRelay;

// One end of the call. In an application the two are on different machines, and `signal` is its own signalling; here
// each message goes over to the other end as the JSON that a socket would carry. What comes before the other end is
// there is lost, as it would be there.
async function join(name, other, polite) {
  const client = new TurnkeeperClient({ endpoint: location.origin, auth: { user: name.toLowerCase() }, session, forceRelay });
  client.on('error', () => note(name, 'gets no answer from the monitor, and keeps the list of relays'));
  const connection = new RTCPeerConnection(await client.configuration());
  const signal = (message) => void setTimeout((text) => ends[other]?.call.receive(JSON.parse(text)), 0, JSON.stringify(message));
  const call = client.attach(connection, { signal, polite });
  call.on('restart', ({ reason, attempt }) => note(name, `ICE restart: ${REASONS[reason]}${attempt > 1 ? `, attempt ${attempt}` : ''}`));
  call.on('restored', ({ gap }) => note(name, `the new path works, ${gap} ms after the first sign of trouble`));
  call.on('connectionfailed', () => note(name, 'cannot be reached any more: restart a relay, or load this page again'));
  call.on('degraded', ({ level, because }) => note(name, `the quality is ${level}: ${inWords(because)}`));
  call.on('connection', (path) => {
    note(name, path.relay ? `on ${nameOf(path.relay)}` : 'connected directly');
    showRelays();
  });
  ends[name] = { connection, call };
  return ends[name];
}

const REASONS = {
  moved: 'its relay has left the list',
  silent: 'nothing comes back',
  disconnected: 'disconnected for 5 s',
  failed: 'the connection failed',
  unanswered: 'the last one led nowhere',
};

const inWords = (measures) => measures.map((measure) => ({ rtt: 'round trip' })[measure] ?? measure).join(', ');

const noted = {}; // the newest of each
function note(who, text) {
  if (noted[who] === text) return;
  noted[who] = text;
  byId('log').prepend(element('li', {}, element('time', {}, new Date().toLocaleTimeString([], { hour12: false })), `${who}: ${text}`));
}

function element(tag, attributes, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

// --- The relays: what the monitor says of them, and what turnctl can do to them.

let relays = []; // as the monitor sees them
let states = {}; // by name, as turnctl runs them; empty when it is not turnctl that serves this page

const addressOf = (url) => /^turns?:([^?]+)/.exec(url)?.[1];
const nameOf = (url) => relays.find(({ address }) => address === addressOf(url))?.name ?? url;
const usersOf = (relay) => Object.keys(ends).filter((name) => addressOf(ends[name].call.path?.relay ?? '') === relay.address);

async function readStates() {
  const response = await fetch('relays').catch(() => undefined);
  if (!response?.ok) return;
  states = Object.fromEntries((await response.json()).relays.map(({ name, state }) => [name, state]));
  showRelays();
}

async function act(relay, action) {
  note('You', { stop: `kill ${relay}`, drain: `drain ${relay}`, start: `restart ${relay}` }[action]);
  const response = await fetch(`relays/${encodeURIComponent(relay)}/${action}`, { method: 'POST' }).catch(() => undefined);
  if (!response?.ok) note('turnctl', response ? `answers ${response.status}` : 'does not answer');
  await readStates();
}

function button(relay, action, text, kind = '') {
  return element('button', { type: 'button', className: kind, onclick: () => act(relay.name, action), ariaLabel: `${text} ${relay.name}` }, text);
}

let shown = '';
function showRelays() {
  const picture = JSON.stringify([relays, states, relays.map(usersOf)]);
  if (picture === shown) return; // the buttons stay as they are under the pointer
  shown = picture;
  const focused = document.activeElement?.ariaLabel;
  byId('relays').replaceChildren(
    ...relays.map((relay) => {
      const state = states[relay.name];
      const actions = !state
        ? []
        : state === 'stopped'
          ? [button(relay, 'start', 'Restart')]
          : [
              state === 'draining' ? button(relay, 'start', 'Undrain') : button(relay, 'drain', 'Drain'),
              button(relay, 'stop', 'Kill', 'kill'),
            ];
      const line = element('li', {},
        element('div', {}, element('strong', {}, relay.name), element('span', { className: `badge ${relay.verdict}` }, relay.verdict),
          ...usersOf(relay).flatMap((name) => [' ', element('span', { className: 'badge used' }, name)])),
        element('div', { className: 'actions' }, ...actions),
        element('div', { className: 'address' }, relay.address));
      line.dataset.relay = relay.name;
      return line;
    }),
  );
  if (focused) byId('relays').querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
}

const news = new EventSource('/api/events');
news.addEventListener('relays', ({ data }) => {
  relays = JSON.parse(data).clusters.flatMap(({ regions }) => regions.flatMap((region) => region.relays));
  byId('unreachable').hidden = true;
  showRelays();
  void readStates();
});
news.onerror = () => (byId('unreachable').hidden = false);

// --- Alice's connection.

function showPath(path) {
  byId('type').textContent = path.type;
  byId('type').className = '';
  byId('candidates').textContent = `${path.local.candidateType} to ${path.remote.candidateType}, ${path.local.protocol}`;
  byId('relay').textContent = path.relay ? `${nameOf(path.relay)}, ${path.relay}` : 'none';
  document.title = `Room: ${path.type}`;
}

function showQuality({ level, because, rtt }) {
  if (wasSilent) return;
  byId('level').textContent = because.length > 0 ? `${level}: ${inWords(because)}` : level;
  byId('level').className = level;
  if (rtt !== undefined) byId('rtt').textContent = rtt < 1 ? '< 1 ms' : `${Math.round(rtt)} ms`;
}

// What was seen last is not how it is.
function showInterruption() {
  byId('type').textContent = 'interrupted';
  byId('type').className = byId('level').className = 'critical';
  byId('rtt').textContent = byId('level').textContent = '–';
}

// --- The gap clock: how long Bob has heard nothing.

const INTERRUPTION = 100; // ms; messages come every 20
const SLOT = 500;
const slots = Array(120).fill(0); // the longest silence in each, the newest last
let last;
let count = 0;
let longest = 0;
let wasSilent = false;
let alice; // once she is there

function heard() {
  const now = performance.now();
  if (last !== undefined) silence(now - last);
  last = now;
  ++count;
}

function silence(gap) {
  slots[slots.length - 1] = Math.max(slots.at(-1), gap);
  if (gap > INTERRUPTION) showSilence(gap);
}

const inUnits = (gap) => (gap < 10_000 ? [Math.round(gap), 'ms'] : [(gap / 1000).toFixed(1), 's']);

// One that lasts is the last one too, and perhaps the longest.
function showSilence(gap) {
  longest = Math.max(longest, gap);
  byId('interruption').textContent = inUnits(gap).join(' ');
  byId('longest').textContent = inUnits(longest).join(' ');
}

function drawStrip() {
  const canvas = byId('strip');
  const style = getComputedStyle(document.documentElement);
  const context = canvas.getContext('2d');
  const { width, height } = canvas;
  const most = Math.max(500, ...slots);
  byId('most').textContent = `full height: ${inUnits(most).join(' ')} of silence`;
  context.clearRect(0, 0, width, height);
  slots.forEach((gap, index) => {
    const bar = gap && Math.max(2, (gap / most) * height);
    context.fillStyle = style.getPropertyValue(gap > 1000 ? '--bad-bar' : gap > INTERRUPTION ? '--warn-bar' : '--good-bar');
    context.fillRect((index * width) / slots.length, height - bar, width / slots.length - 1, bar);
  });
}

setInterval(() => {
  if (last === undefined) return;
  const since = performance.now() - last;
  const [value, unit] = inUnits(since);
  byId('since').textContent = value;
  byId('unit').textContent = unit;
  byId('since').parentElement.classList.toggle('silent', since > INTERRUPTION);
  if (since > INTERRUPTION) showSilence(since);
  const isSilent = since > 1000;
  if (isSilent) showInterruption();
  else if (wasSilent && alice?.call.path) showPath(alice.call.path);
  wasSilent = isSilent;
  byId('messages').textContent = count.toLocaleString('en');
}, 50);
setInterval(() => {
  if (last !== undefined) slots[slots.length - 1] = Math.max(slots.at(-1), performance.now() - last);
  drawStrip();
  slots.push(0);
  slots.shift();
}, SLOT);

// --- What is sent: something that moves, so that a picture that stands still shows.

function paint(canvas) {
  const context = canvas.getContext('2d');
  setInterval(() => {
    const seconds = performance.now() / 1000;
    const { width, height } = canvas;
    context.fillStyle = '#10243e';
    context.fillRect(0, 0, width, height);
    context.fillStyle = '#35a866';
    context.beginPath();
    context.arc(width / 2 + Math.cos(seconds * 2) * 200, height / 2 + Math.sin(seconds * 2) * 100, 28, 0, 7);
    context.fill();
    context.fillStyle = '#fff';
    context.font = '600 56px system-ui, sans-serif';
    context.textAlign = 'center';
    context.fillText(seconds.toFixed(1), width / 2, height / 2 + 20);
  }, 40);
  return canvas.captureStream(25);
}

let bob;
[alice, bob] = await Promise.all([join('Alice', 'Bob', false), join('Bob', 'Alice', true)]);
alice.call.on('connection', showPath);
alice.call.on('quality', showQuality);
bob.connection.addEventListener('track', ({ streams }) => (byId('seen').srcObject = streams[0]));
bob.connection.addEventListener('datachannel', ({ channel }) => (channel.onmessage = heard));

const picture = paint(byId('sent'));
for (const track of picture.getTracks()) alice.connection.addTrack(track, picture);
const channel = alice.connection.createDataChannel('clock', { ordered: false, maxRetransmits: 0 });
setInterval(() => channel.readyState === 'open' && channel.send(''), 1000 / 50);
