import t from 'tap';
import { UNSENT_BYTES_MAX } from '../../src/config/limits.js';
import { ScriptedSession } from '../support/scripted-session.js';

/* A broker that sends and does not read: each PUBLISH that it sends becomes a PUBACK that it does not take. */

const ROUND = 5_000;

/** Sends PUBLISHes, each settled at once, until the session reads no more; returns how many it took. */
function flood(scripted: ScriptedSession): number {
  let taken = 0;
  for (let round = 0; round < 200 && !scripted.session.paused; round++) {
    for (let i = 0; i < ROUND; i++) {
      const packetId = 1 + (taken % 60_000);
      scripted.publishTo('plant/a', packetId);
      if (scripted.session.paused) break;
      const delivery = scripted.deliveries.pop();
      if (delivery !== undefined) scripted.session.inflight.settle(packetId, delivery.id, 0);
      taken++;
    }
    scripted.session.flush();
  }
  return taken;
}

t.test('a broker that sends and never reads is read no more, and then left', async (t) => {
  const scripted = new ScriptedSession({ receiveMaximum: 60_000, keepAliveSeconds: 0 });
  scripted.activate();
  scripted.socket.stalled = true;
  flood(scripted);
  t.ok(scripted.session.paused, 'it stops reading');
  t.ok(scripted.socket.writableLength < UNSENT_BYTES_MAX + 6 * ROUND);
  scripted.clock.advance(10_000);
  t.match(
    scripted.states.find(({ kind }) => kind === 'waiting'),
    { reason: /took nothing for 5000 ms/ },
  );
});

t.test('one that reads again is read again, and has lost nothing', async (t) => {
  const scripted = new ScriptedSession({ receiveMaximum: 60_000, keepAliveSeconds: 0 });
  scripted.activate();
  scripted.socket.stalled = true;
  flood(scripted);
  scripted.socket.stalled = false;
  scripted.socket.take();
  t.notOk(scripted.session.paused);
  t.equal(scripted.deliveries.length, 1, 'what was refused is offered again');
  t.equal(scripted.session.state.kind, 'active');
});
