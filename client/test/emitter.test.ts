import assert from 'node:assert/strict';
import test from 'node:test';
import { Emitter } from '../src/emitter.js';

class Bell extends Emitter<{ ring: number }> {
  ring = (times: number) => this.emit('ring', times);
}

test('listeners hear until they stop, and may stop while they hear', () => {
  const bell = new Bell();
  const heard: string[] = [];
  const stop = bell.on('ring', (times) => {
    heard.push(`a${times}`);
    stop();
  });
  bell.on('ring', (times) => heard.push(`b${times}`));
  bell.ring(1);
  bell.ring(2);
  assert.deepEqual(heard, ['a1', 'b1', 'b2']);
});
