"""Other people's libraries with the lines that docs/clients.md has for them: real Chromium, real relays."""

import re
import subprocess

from call import ROOT, relay_at, stop_relay

SIGNALLING = """
const channel = new BroadcastChannel('library');
const { TurnkeeperClient } = await import('/client.js');
const client = new TurnkeeperClient({ endpoint: '/', auth: { user: NAME }, session: 'library', forceRelay: true });
"""


def example(library):
    """The block of the documentation that begins with the library's name."""
    return re.search(rf"^```js\n(// {library}\n.*?)^```", (ROOT / "docs/clients.md").read_text(), re.M | re.S)[1]


def begin(page, origin, name, code):
    page.open(origin.url)
    page.wait_for("document.title === 'a page'")
    page.js(f"(async () => {{ {SIGNALLING.replace('NAME', repr(name))}\n{code} }})()")


def test_simple_peer_survives_its_relay(browser, up, origin):
    pages = {name: browser.page() for name in ("alice", "bob")}
    for name, page in pages.items():
        begin(page, origin, name, f"""
            await import('/modules/simple-peer/simplepeer.min.js');
            const socket = {{ send: (text) => channel.postMessage(text) }};
            const initiator = {str(name == 'bob').lower()};
            {example('simple-peer')}
            channel.onmessage = ({{ data }}) => peer.signal(JSON.parse(data));
            window.peer = peer; window.call = call; window.received = 0;
            peer.on('data', () => ++received);
            peer.on('connect', () => setInterval(() => peer.send('.'), 20));""")
    for page in pages.values():
        page.wait_for("received > 50 && call.path", 20)
    dead = pages["bob"].wait_for("call.path.relay")
    stop_relay(up, relay_at(up, dead))
    for page in pages.values():
        page.wait_for(f"call.path.relay !== {dead!r}")
        before = page.js("received")
        page.wait_for(f"received > {before + 50} && peer.connected")
        assert page.complaints == []
    for page in pages.values():
        page.js("peer.destroy()")
        page.close()


# What PeerJS has for signalling is a WebSocket to a server that passes on messages by the name they are for.
PEERJS_SERVER = """
window.WebSocket = class {
  constructor() {
    const everybody = new BroadcastChannel('peerjs');
    everybody.onmessage = ({ data }) => JSON.parse(data).dst === name && this.onmessage({ data });
    this.send = (text) => everybody.postMessage(JSON.stringify({ ...JSON.parse(text), src: name }));
    this.readyState = 1;
    setTimeout(() => this.onmessage({ data: '{"type":"OPEN"}' }), 0);
  }
  close() {}
};
"""


def test_peerjs_is_given_the_list(browser, up, origin):
    pages = {name: browser.page() for name in ("alice", "bob")}
    for name, page in pages.items():
        begin(page, origin, name, f"""
            const name = {name!r};
            {PEERJS_SERVER}
            await import('/modules/peerjs/dist/peerjs.min.js');
            const Peer = window.peerjs.Peer;
            {example('PeerJS')}
            await new Promise((resolve) => peer.on('open', resolve));
            window.heard = '';
            const take = (connection) => {{
              window.connection = connection.peerConnection;
              connection.on('data', (data) => (heard += data));
              connection.on('open', () => connection.send(`from ${{name}}`));
            }};
            peer.on('connection', take);
            if (name === 'bob') take(peer.connect('alice'));""")
    for name, page in pages.items():
        page.wait_for(f"heard === 'from {'alice' if name == 'bob' else 'bob'}'")
        assert page.js("connection.getConfiguration().iceTransportPolicy") == "relay"
        assert page.js("connection.getStats().then((stats) => [...stats.values()].filter(({type}) => type === 'local-candidate')"
                       ".every(({candidateType}) => candidateType === 'relay'))")
    for page in pages.values():
        page.js("connection.close()")
        page.close()


# The connections that a page makes, and what they gather.
WATCHED = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration) {
    super(configuration);
    connections.push(this);
    this.gathered = [];
    this.addEventListener('icecandidate', ({ candidate }) => candidate?.candidate && this.gathered.push(candidate));
  }
};
"""
GATHERS = "connections.some(({gathered}) => gathered.some(({type, url}) => type === 'relay' && url === %r))"
ONLY_RELAYS = "connections.every(({gathered}) => gathered.every(({type}) => type === 'relay'))"

# What a router of mediasoup says of itself, made up: nobody is there to connect to.
MEDIASOUP_ROUTER = """
const codec = { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2, preferredPayloadType: 100 };
const routerRtpCapabilities = { codecs: [codec], headerExtensions: [] };
let restarts = 0;
const askServerToRestartIce = async () => ({ usernameFragment: `router${++restarts}`, password: 'of-a-router-without-a-network', iceLite: true });
const parameters = {
  id: 'sending', iceParameters: await askServerToRestartIce(),
  iceCandidates: [{ foundation: 'f', priority: 1, address: '127.0.0.1', ip: '127.0.0.1', port: 9, protocol: 'udp', type: 'host' }],
  dtlsParameters: { role: 'auto', fingerprints: [{ algorithm: 'sha-256', value: Array(32).fill('AB').join(':') }] },
};
"""


def test_mediasoup_client_gathers_on_the_list_and_on_the_next_one_when_a_relay_dies(browser, up, origin, package):
    bundle = subprocess.run(["esbuild", "--bundle", "--format=iife", "--global-name=mediasoupClient", "--log-level=error",
                             package / "node_modules/mediasoup-client/lib/index.js"], capture_output=True, text=True, timeout=60, check=True).stdout
    page = browser.page()
    begin(page, origin, "alice", f"""
        {bundle}
        {WATCHED}
        {MEDIASOUP_ROUTER}
        const device = await mediasoupClient.Device.factory();
        await device.load({{ routerRtpCapabilities }});
        {example('mediasoup-client')}
        transport.on('connect', (_, done) => done());
        transport.on('produce', (_, done) => done({{ id: 'producer' }}));
        await transport.produce({{ track: new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0] }});
        window.first = (await client.iceServers())[0].urls[0];
        window.transport = transport; window.stopFollowing = stopFollowing;""")
    first = page.wait_for("first")
    page.wait_for(GATHERS % first)
    page.js("connections.at(-1).gathered.length = 0")
    stop_relay(up, relay_at(up, first))
    page.wait_for("connections.at(-1).gathered.length > 0")
    assert page.js(ONLY_RELAYS) and not page.js(GATHERS % first)
    page.js("stopFollowing(); transport.close()")
    page.close()


# What a LiveKit server says when somebody joins; it names a relay of its own.
LIVEKIT_JOIN = """
import { SignalResponse } from '@livekit/protocol';
const join = { room: { sid: 'RM_1', name: 'room' }, participant: { sid: 'PA_1', identity: 'alice' }, serverInfo: { version: '1.9.0', protocol: 16 },
               iceServers: [{ urls: ['turn:127.0.0.1:9'], username: 'u', credential: 'c' }] };
process.stdout.write(new SignalResponse({ message: { case: 'join', value: join } }).toBinary());
"""
LIVEKIT_SERVER = """
window.WebSocket = class extends EventTarget {
  readyState = 1;
  constructor() {
    super();
    setTimeout(() => this.onopen(), 0);
    setTimeout(() => this.onmessage({ data: Uint8Array.from(%r).buffer }), 10);
  }
  send() {}
  close() {}
};
"""


def test_livekit_gathers_on_the_list(browser, up, origin, package):
    join = subprocess.run(["node", "--input-type=module", "--eval", LIVEKIT_JOIN], cwd=package, capture_output=True, timeout=30, check=True).stdout
    page = browser.page()
    begin(page, origin, "alice", f"""
        {WATCHED}
        {LIVEKIT_SERVER % list(join)}
        await import('/modules/livekit-client/dist/livekit-client.umd.js');
        const room = window.room = new LivekitClient.Room({{ singlePeerConnection: false }}); // which gathers before the server has answered
        const url = 'ws://livekit.example';
        const token = 'header.claims.signature';
        window.first = (await client.iceServers())[0].urls[0];
        (async () => {{ {example('LiveKit')} }})().catch(() => {{}});""")  # nobody answers its offer
    page.wait_for(GATHERS % page.wait_for("first"))
    assert page.js(ONLY_RELAYS)
    page.js("room.disconnect().then(() => true)")
    page.close()
