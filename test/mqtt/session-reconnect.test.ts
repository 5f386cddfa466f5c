import t from 'tap';
import type { SessionOptions } from '../../src/mqtt/session-options.js';
import { encodePublish, parts } from '../support/publish-packets.js';
import { ScriptedSession } from '../support/scripted-session.js';
import { nextTurn } from '../support/scripted-socket.js';

/* How long a session waits before it dials again. */

const LONGEST_MS = 22_500;
const resumed = { sessionPresent: true };

/** How long the session waits until it dials again, to ten milliseconds; undefined: for ever. */
function waitedMs(scripted: ScriptedSession): number | undefined {
  const dialled = scripted.sockets.length;
  for (let ms = 10; ms <= 30_000; ms += 10) {
    scripted.clock.advance(10);
    if (scripted.sockets.length > dialled) return ms;
  }
  return undefined;
}

/** Accepts what was dialled, and grants what is asked for. */
function accept(scripted: ScriptedSession): void {
  scripted.socket.accept();
  scripted.send({ cmd: 'connack', reasonCode: 0, ...resumed });
  scripted.send({ cmd: 'suback', messageId: 1, granted: [1] });
}

/** The waits after connections that end like this as soon as they are active. */
async function waitsAfter(
  end: (scripted: ScriptedSession) => void | Promise<void>,
  count: number,
  options: Partial<SessionOptions> = {},
): Promise<(number | undefined)[]> {
  const scripted = new ScriptedSession(options);
  scripted.session.start();
  const waits: (number | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    accept(scripted);
    await end(scripted);
    await nextTurn();
    waits.push(waitedMs(scripted));
  }
  return waits;
}

t.test('waits grow while no connection can be made, and begin anew once one was', async (t) => {
  const scripted = new ScriptedSession();
  scripted.session.start();
  const waits: (number | undefined)[] = [];
  const fail = () => {
    scripted.socket.close(new Error('ECONNREFUSED'));
    waits.push(waitedMs(scripted));
  };
  for (let i = 0; i < 3; i++) fail();
  t.strictSame(waits, [150, 300, 600]);
  accept(scripted);
  t.equal(scripted.session.state.kind, 'active');
  fail();
  t.equal(waits.at(-1), 150, 'the network took it, not what came over it');
});

const causes: Record<string, (scripted: ScriptedSession) => void | Promise<void>> = {
  'an oversize payload that cannot be kept': (scripted) => {
    scripted.oversizeSink = {
      write: async () => Promise.reject(new Error('the store is full')),
      commit: async () => {},
      abort: () => {},
    };
    scripted.publish({ topic: Buffer.from('a'), payload: Buffer.alloc(5_000), dup: true });
  },
  'a record of unknown fate': (scripted) => scripted.session.reconnect('possibly persisted'),
  'a packet identifier in use': (scripted) => {
    scripted.publishTo('a', 1);
    scripted.publishTo('b', 1);
  },
  'a bad packet at QoS 0': (scripted) => {
    scripted.socket.send(encodePublish(parts({ qos: 0, topic: Buffer.from('a/+') })));
  },
  'a packet that has no place': (scripted) =>
    scripted.send({ cmd: 'pubrel', messageId: 1, reasonCode: 0 }),
  'a DISCONNECT of the broker': (scripted) =>
    scripted.send({ cmd: 'disconnect', reasonCode: 0x93 }),
};

for (const [name, end] of Object.entries(causes)) {
  t.test(`${name}: each connection that it ends is followed by a longer wait`, async (t) => {
    const waits = await waitsAfter(end, 9, { payloadBytesMax: 1_000, receiveMaximum: 20 });
    t.strictSame(waits, [150, 300, 600, 1200, 2400, 4800, 9600, 19_200, LONGEST_MS]);
  });
}

t.test('a bad packet at QoS 1 comes a third time, after waits that grow', async (t) => {
  const bad = encodePublish(parts({ topic: Buffer.from('a/+') }));
  const waits = await waitsAfter((scripted) => scripted.socket.send(bad), 2);
  t.strictSame(waits, [150, 300]);
});

t.test('a message that is acknowledged first makes no loop of a cause', async (t) => {
  let packetId = 0;
  const waits = await waitsAfter((scripted) => {
    const topic = `t${++packetId}`;
    scripted.publishTo(topic, packetId);
    scripted.settle(topic);
    scripted.session.reconnect('possibly persisted');
  }, 4);
  t.strictSame(waits, [150, 300, 600, 1200]);
});

t.test('a connection that lasted, idle or not, is followed by the shortest wait', async (t) => {
  const waits = await waitsAfter((scripted) => scripted.session.reconnect('a cause'), 4);
  t.equal(waits.at(-1), 1200);
  const lasting = await waitsAfter((scripted) => {
    // Six hours, in which only the broker's answers to PINGREQ come.
    for (let minutes = 0; minutes < 360; minutes++) {
      scripted.clock.advance(60_000);
      scripted.send({ cmd: 'pingresp' });
    }
    scripted.session.reconnect('a cause');
  }, 3);
  t.strictSame(lasting, [150, 150, 150]);
});
