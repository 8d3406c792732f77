import assert from 'node:assert/strict';
import test from 'node:test';
import { hasHope, mustNotOverlap } from '../src/overlap.js';
import { config } from './answers.js';

const described = (sdp: string) => ({ type: 'answer', sdp }) as RTCSessionDescription;

test('one Firefox is enough, at either end', () => {
  const firefox = described('v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 7 8 IN IP4 0.0.0.0\r\ns=-\r\n');
  const chromium = described('v=0\r\no=- 7 8 IN IP4 127.0.0.1\r\ns=-\r\n');
  assert(mustNotOverlap(firefox, chromium));
  assert(mustNotOverlap(chromium, firefox));
  assert(!mustNotOverlap(chromium, chromium));
  assert(!mustNotOverlap(null, null));
});

test('a restart has hope as long as one relay is left that it gathered on', () => {
  const gathered = config(['turn:192.0.2.1?transport=udp'], ['turn:192.0.2.2:3478']);
  assert(hasHope(gathered, config(['turn:192.0.2.2'])), 'the same with its defaults');
  assert(!hasHope(gathered, config(['turn:192.0.2.3'])));
  assert(!hasHope(gathered, config(['turn:192.0.2.2?transport=tcp'])), 'over TCP it was not gathered on');
  assert(!hasHope(config(['stun:192.0.2.1']), config(['stun:192.0.2.1'])));
  assert(!hasHope(undefined, config(['turn:192.0.2.2'])));
});
