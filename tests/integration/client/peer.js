// One end of a call, in a page of its own: makePeer() is given to the page by the test. The other end is in another
// page; they signal over a BroadcastChannel.
async function makePeer({ name, session, polite, options: { negotiatesItself, thresholds, ...options }, adapt }) {
  const { TurnkeeperClient } = await import('/client.js');
  const peer = { events: [], errors: [], refused: [], received: 0, longest: 0, lists: 0 };
  peer.client = new TurnkeeperClient({
    endpoint: '/',
    auth: { user: `${name}-${session}` }, // each with a quota of its own, whatever calls before it have left on the relays
    region: 'eu',
    session,
    forceRelay: true,
    ...(adapt && { fetch: adapt(peer) }),
    ...options,
  });
  peer.client.on('config', (config) => {
    ++peer.lists;
    peer.config = config;
  });
  peer.client.on('error', (error) => peer.errors.push(error.message));
  const connection = (peer.connection = new RTCPeerConnection(await peer.client.configuration()));
  connection.onicecandidateerror = ({ url, errorCode, errorText }) => peer.refused.push(`${url}: ${errorCode} ${errorText}`);
  const signalling = new BroadcastChannel(session);
  const signal = (message) => signalling.postMessage(message);
  peer.call = peer.client.attach(connection, { ...(!negotiatesItself && { signal, polite }), ...(thresholds && { thresholds }) });
  const receive = negotiatesItself ? negotiate(connection, signal, polite) : (message) => peer.call.receive(message);
  signalling.onmessage = ({ data }) => receive(data).catch((error) => peer.errors.push(error.message));
  for (const event of ['connection', 'quality', 'degraded', 'restart', 'restored', 'connectionfailed']) {
    peer.call.on(event, (detail) => peer.events.push({ event, detail }));
  }
  peer.last = (event) => peer.events.findLast((entry) => entry.event === event)?.detail;
  peer.count = (event) => peer.events.filter((entry) => entry.event === event).length;

  // 50 messages a second, each of its own; the longest silence that
  // this end sees is the gap.
  peer.start = (every = 20) => {
    peer.started = true;
    const begun = performance.now();
    connection.addEventListener('connectionstatechange', () => {
      if (connection.connectionState === 'connected') peer.connectedAfter ??= performance.now() - begun;
    });
    const channel = connection.createDataChannel('clock', { negotiated: true, id: 0, ordered: false, maxRetransmits: 0 });
    setInterval(() => channel.readyState === 'open' && channel.send(''), every);
    let heard;
    channel.onmessage = () => {
      ++peer.received;
      const now = performance.now();
      if (heard !== undefined) peer.longest = Math.max(peer.longest, now - heard);
      heard = now;
    };
  };
  window.peer = peer;
  return peer;
}

// An application's own negotiation, word for word as in the WebRTC specification (section 10.7).
function negotiate(pc, send, polite) {
  let makingOffer = false;
  let ignoreOffer = false;
  pc.onicecandidate = ({ candidate }) => send({ candidate: candidate?.toJSON() });
  pc.onnegotiationneeded = async () => {
    try {
      makingOffer = true;
      await pc.setLocalDescription();
      send({ description: pc.localDescription.toJSON() });
    } finally {
      makingOffer = false;
    }
  };
  return async ({ description, candidate }) => {
    if (description) {
      const offerCollision = description.type === 'offer' && (makingOffer || pc.signalingState !== 'stable');
      ignoreOffer = !polite && offerCollision;
      if (ignoreOffer) return;
      await pc.setRemoteDescription(description);
      if (description.type === 'offer') {
        await pc.setLocalDescription();
        send({ description: pc.localDescription.toJSON() });
      }
    } else {
      await pc.addIceCandidate(candidate).catch((error) => {
        if (!ignoreOffer) throw error;
      });
    }
  };
}
