"""Other people's libraries with the lines that docs/clients.md has for them: real Chromium, real relays."""

import re

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
