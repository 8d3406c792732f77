import assert from 'node:assert/strict';
import test from 'node:test';
import { EventStreamParser } from '../src/event_stream.js';

const STREAM = 'retry: 1500\n\n: heartbeat\n\nevent: config\nid: 7\ndata: {"a":\ndata: 1}\n\nevent: other\r\ndata:x\r\n\r\ndata: y\r\r';
const EVENTS = [
  { name: 'config', data: '{"a":\n1}' },
  { name: 'other', data: 'x' },
  { name: '', data: 'y' },
];

test('events are read as the standard says, in whatever pieces they come', () => {
  for (let size = 1; size <= STREAM.length; ++size) {
    const parser = new EventStreamParser();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) events.push(...parser.feed(STREAM.slice(at, at + size)));
    events.push(...parser.feed(': the next line ends a CR for certain\n'));
    assert.deepEqual(events, EVENTS, `in pieces of ${size}`);
    assert.equal(parser.lastEventId, '7');
    assert.equal(parser.retry, 1500);
  }
});

test('a connection that breaks within an event leaves nothing of it, not even its id', () => {
  const parser = new EventStreamParser();
  parser.feed('id: 1\ndata: a\n\n');
  parser.feed('id: 2\nevent: config\ndata: hal');
  parser.reset();
  assert.equal(parser.lastEventId, '1');
  assert.deepEqual(parser.feed('data: b\n\n'), [{ name: '', data: 'b' }]);
});

test('an event without data is none, and nonsense does no harm', () => {
  const parser = new EventStreamParser();
  assert.deepEqual(parser.feed('event: config\n\nnonsense\nretry: soon\nid: a\0b\n\ndata\n\n'), [{ name: '', data: '' }]);
  assert.equal(parser.retry, undefined);
  assert.equal(parser.lastEventId, '');
});
