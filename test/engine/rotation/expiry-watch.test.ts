import t from 'tap';
import { ExpiryWatch } from '../../../src/engine/rotation/expiry-watch.js';
import { ConnectorEvents } from '../../../src/metrics/events.js';
import { certificateExpiries } from '../../../src/secrets/certificate-expiry.js';
import { captureLog } from '../../support/captured-log.js';
import { CA_PEM, CLIENT_KEY, CLIENT_PEM } from '../../support/certificates.js';
import { ManualClock } from '../../support/manual-clock.js';

const DAY_MS = 86_400_000;

function setUp() {
  const clock = new ManualClock();
  const { log, lines } = captureLog();
  const events = new ConnectorEvents('my-connector', log, clock).credentials('kafka');
  return { clock, lines, counters: events.counters, watch: new ExpiryWatch(clock, events) };
}

t.test('a certificate that expires within a month is warned of once a day', async (t) => {
  const { clock, lines, counters, watch } = setUp();
  const expiresAtMs = clock.wallMs() + 32 * DAY_MS;
  watch.use(new Map([['client', expiresAtMs]]));
  t.strictSame([...counters.certificatesExpireAtMs], [['client', expiresAtMs]]);
  clock.advance(DAY_MS);
  t.equal(lines.length, 0);
  clock.advance(DAY_MS);
  t.equal(lines.length, 1);
  t.match(lines[0], {
    level: 40,
    side: 'kafka',
    certificate: 'client',
    expiresAt: new Date(expiresAtMs).toISOString(),
    msg: 'a certificate expires soon',
  });
  // Such as with each new token.
  watch.use(new Map([['client', expiresAtMs]]));
  t.equal(lines.length, 1);
  clock.advance(3 * DAY_MS);
  t.equal(lines.length, 4);
  clock.advance(27 * DAY_MS);
  t.match(lines.at(-1), { level: 50, msg: 'a certificate has expired' });
  watch.use(new Map([['client', clock.wallMs() + 300 * DAY_MS]]));
  const said = lines.length;
  clock.advance(10 * DAY_MS);
  t.equal(lines.length, said, 'another one is in service');
  watch.stop();
  t.equal(clock.waiting, 0);
});

t.test('without certificates there is nothing to look at', async (t) => {
  const { clock, watch } = setUp();
  watch.use(new Map());
  t.equal(clock.waiting, 0);
});

t.test('of several CAs the last counts, of a chain the first', async (t) => {
  const ca = Date.parse('2126-11-03T08:50:52Z');
  const client = Date.parse('2126-11-03T08:50:53Z');
  t.strictSame(
    [
      ...certificateExpiries({
        caPem: `${CA_PEM}\n${CLIENT_PEM}`,
        client: {
          certificatePem: `${CLIENT_PEM}\n${CA_PEM}`,
          keyPem: CLIENT_KEY,
          passPhrase: undefined,
        },
      }),
    ],
    [
      ['ca', client],
      ['client', ca],
    ],
  );
  t.equal(certificateExpiries({ caPem: undefined, client: undefined }).size, 0);
});
