import { turnAddress, urlsOf } from './ice_config.js';

export function countTurnUrls(servers: readonly RTCIceServer[]): number {
  return urlsOf(servers).filter(turnAddress).length;
}

/**
 * The list, made as long as the one that the connection has now. libwebrtc (Chromium, Safari) ranks a relayed candidate
 * by how many TURN URLs stand behind its own, and stays on a dead path for 3 to 4 s when the new one ranks lower: as it
 * does when the dead relay's URLs are all that went from the list. Equal ranks go to the newer path, at once.
 * What is added is never used: libwebrtc skips TURN servers on ports below 1024 other than 53, 80 and 443.
 */
export function padded(servers: readonly RTCIceServer[], turnUrls: number): RTCIceServer[] {
  const missing = turnUrls - countTurnUrls(servers);
  if (missing <= 0 || missing === turnUrls) return [...servers];
  const urls = Array.from({ length: missing }, () => 'turn:127.0.0.1:9?transport=udp');
  return [...servers, { urls, username: 'unused', credential: 'unused' }];
}
