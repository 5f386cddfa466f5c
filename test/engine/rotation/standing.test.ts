import t from 'tap';
import { Standing } from '../../../src/engine/rotation/standing.js';
import { ConnectorEvents } from '../../../src/metrics/events.js';
import { captureLog } from '../../support/captured-log.js';
import { ManualClock } from '../../support/manual-clock.js';

function setUp() {
  const { log, lines } = captureLog();
  const connector = new ConnectorEvents('my-connector', log, new ManualClock());
  const events = connector.credentials('mqtt');
  const troubles: (string | undefined)[] = [];
  const standing = new Standing({ events, onTrouble: (detail) => troubles.push(detail) });
  return { counters: events.counters, connector, standing, lines, troubles };
}

t.test('a refusal is said once for each reason, and shown as it last was', async (t) => {
  const { counters, standing, lines, troubles } = setUp();
  standing.changeFound();
  standing.refused('authentication', 'a:1 refuses the login');
  standing.refused('authentication', 'b:1 refuses the login');
  t.equal(lines.length, 2);
  t.match(lines[1], {
    level: 50,
    side: 'mqtt',
    detail: 'a:1 refuses the login',
    msg: 'new credentials do not work and are tried again; those before stay in service',
  });
  t.equal(troubles.at(-1), 'b:1 refuses the login');
  t.strictSame([counters.refusals, counters.isRefused, counters.changes], [1, true, 0]);
  standing.refused('tls', 'not trusted');
  t.strictSame([counters.refusals, lines.length], [2, 3]);
  standing.changeFound();
  standing.refused('tls', 'not trusted');
  t.equal(counters.refusals, 3, 'of other values');
  standing.inService();
  t.equal(troubles.at(-1), undefined);
  t.strictSame([counters.refusals, counters.isRefused, counters.changes], [3, false, 1]);
});

t.test('what cannot be tried is a warning', async (t) => {
  const { counters, standing, lines, troubles } = setUp();
  standing.untried('network', 'nobody listens');
  standing.untried('network', 'nobody listens');
  t.equal(lines.length, 1);
  t.match(lines[0], { level: 40, detail: 'nobody listens' });
  t.equal(troubles.at(-1), 'they cannot be tried yet: nobody listens');
  t.strictSame([counters.refusals, counters.isRefused], [0, false]);
});

t.test('what cannot be read stands before what was refused, and leaves it standing', async (t) => {
  const { counters, standing, troubles } = setUp();
  standing.refused('tls', 'not trusted');
  standing.unusable('Secret s has no key password');
  t.equal(troubles.at(-1), 'Secret s has no key password');
  standing.usable();
  t.equal(troubles.at(-1), 'not trusted');
  t.equal(counters.isRefused, true);
  standing.withdrawn();
  t.equal(troubles.at(-1), undefined);
  t.equal(counters.isRefused, false);
});

t.test('what cannot be read and then is as before was withdrawn', async (t) => {
  const { counters, standing, troubles } = setUp();
  standing.unusable('Secret s is gone');
  t.strictSame([counters.refusals, counters.isRefused], [1, true]);
  standing.usable();
  t.equal(troubles.at(-1), undefined);
  t.equal(counters.isRefused, false);
});
