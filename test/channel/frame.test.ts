import t from 'tap';
import {
  FRAME_DEADLINE_HIGH,
  FRAME_DEADLINE_LOW,
  FRAME_HEADER_BYTES,
  FRAME_HEADER_COUNT,
  FRAME_KEY_BYTES,
  HEADER_ENTRY_BYTES,
  NULL_KEY,
  readFrame,
  VALUE_REMAINING_SECONDS,
} from '../../src/channel/frame.js';

/** A frame with one header, whose value is told from this deadline. */
function frameOf(deadlineMs: number): Uint8Array {
  const name = Buffer.from('left');
  const frame = new Uint8Array(FRAME_HEADER_BYTES + HEADER_ENTRY_BYTES + name.length);
  const view = new DataView(frame.buffer);
  const setWord = (word: number, value: number) => view.setUint32(word * 4, value, true);
  setWord(FRAME_KEY_BYTES, NULL_KEY);
  setWord(FRAME_HEADER_COUNT, 1);
  setWord(FRAME_DEADLINE_LOW, deadlineMs);
  setWord(FRAME_DEADLINE_HIGH, Math.floor(deadlineMs / 2 ** 32));
  view.setUint16(FRAME_HEADER_BYTES, name.length, true);
  view.setUint16(FRAME_HEADER_BYTES + 2, VALUE_REMAINING_SECONDS, true);
  frame.set(name, FRAME_HEADER_BYTES + HEADER_ENTRY_BYTES);
  return frame;
}

t.test(
  'a header of remaining seconds is told from the deadline, rounded up, never below 0',
  async (t) => {
    const deadlineMs = 3 * 2 ** 32 + 5_000;
    const left = (nowMs?: number) => {
      const [header] = readFrame(frameOf(deadlineMs), new Uint8Array(0), nowMs).headers;
      t.equal(header?.[0], 'left');
      return Buffer.from(header?.[1] ?? []).toString();
    };
    t.equal(left(deadlineMs - 60_000), '60');
    t.equal(left(deadlineMs - 59_001), '60');
    t.equal(left(deadlineMs - 0.5), '1');
    t.equal(left(deadlineMs), '0');
    t.equal(left(deadlineMs + 9_000), '0');
    t.equal(left(), '', 'without a clock nothing is known');
  },
);
