import t from 'tap';
import { MALFORMED_PACKET, QOS_NOT_SUPPORTED } from '../../../src/mqtt/reason-code.js';
import { BadPackets } from '../../../src/mqtt/receive/bad-packets.js';

const fault = { reasonCode: MALFORMED_PACKET, text: 'x', qos: 1, packetId: 7, whole: true };

function verdicts(bad: BadPackets, changes: Partial<typeof fault>, times: number): string[] {
  return Array.from({ length: times }, () => bad.onBad({ ...fault, ...changes }));
}

t.test('the third time, a packet is taken away; then it counts anew', async (t) => {
  const bad = new BadPackets();
  const round = ['disconnect', 'disconnect', 'take away'];
  t.strictSame(verdicts(bad, {}, 6), [...round, ...round]);
});

t.test('packet identifiers are counted apart, and a sound PUBLISH ends the count', async (t) => {
  const bad = new BadPackets();
  verdicts(bad, { packetId: 1 }, 2);
  verdicts(bad, { packetId: 2 }, 2);
  bad.onGood(1);
  t.strictSame(verdicts(bad, { packetId: 1 }, 1), ['disconnect']);
  t.strictSame(verdicts(bad, { packetId: 2 }, 1), ['take away']);
});

t.test('what no PUBACK can acknowledge stops the session', async (t) => {
  const stop = ['disconnect', 'disconnect', 'stop', 'stop'];
  t.strictSame(verdicts(new BadPackets(), { qos: 2, reasonCode: QOS_NOT_SUPPORTED }, 4), stop);
  t.strictSame(verdicts(new BadPackets(), { packetId: 0 }, 4), stop);
  t.strictSame(verdicts(new BadPackets(), { whole: false }, 4), stop);
});

t.test('QoS 0 is never sent again, so nothing is taken away', async (t) => {
  const bad = new BadPackets();
  t.strictSame(new Set(verdicts(bad, { qos: 0, packetId: 0 }, 20)), new Set(['disconnect']));
});

t.test('no number of packet identifiers makes it grow without bound', async (t) => {
  const bad = new BadPackets();
  verdicts(bad, { packetId: 1 }, 2);
  for (let packetId = 2; packetId <= 2_000; packetId++) verdicts(bad, { packetId }, 1);
  t.strictSame(verdicts(bad, { packetId: 1 }, 1), ['disconnect'], 'the oldest are forgotten');
});
