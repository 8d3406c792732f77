import { type IceConfig, turnAddress, urlsOf } from './ice_config.js';

/**
 * Is one of these from a Firefox? There (153) an ICE restart that begins before the last one has connected takes the
 * path away that carries meanwhile; the next message cannot be sent, and DTLS fails for good. It is the same when
 * `setConfiguration` comes between an offer and its answer, because Firefox then restarts once more by itself.
 */
export function mustNotOverlap(...descriptions: readonly (RTCSessionDescription | null)[]): boolean {
  return descriptions.some((description) => /^o=mozilla/m.test(description?.sdp ?? ''));
}

/** Is any relay of `gathered` left in `config`? Then the restart that is under way can still succeed. */
export function hasHope(gathered: IceConfig | undefined, config: IceConfig): boolean {
  const listed = new Set(urlsOf(config.iceServers).map(turnAddress));
  return urlsOf(gathered?.iceServers ?? []).some((url) => turnAddress(url) && listed.has(turnAddress(url)));
}
