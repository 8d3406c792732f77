import { type IceConfig, parseIceConfig } from '../src/ice_config.js';

/** As the monitor answers `GET /v1/ice`: one entry a relay. */
export function answer(relays: string[][], ttl = 1000): string {
  return JSON.stringify({
    iceServers: relays.map((urls) => ({ urls, username: '1795399051:alice', credential: 'c2VjcmV0' })),
    ttl,
    expiresAt: '2026-11-23T01:57:31Z',
    refreshAt: '2026-11-22T19:57:31Z',
    cluster: 'demo',
    region: 'eu',
    servedBy: 'eu',
  });
}

export function config(...relays: string[][]): IceConfig {
  return parseIceConfig(answer(relays), 0, 0);
}
