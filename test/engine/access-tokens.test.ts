import t from 'tap';
import { connectorOf } from '../../native-bench/kernels/resources.js';
import { UsageError } from '../../src/base/errors.js';
import { accessTokenRenewal, openConnectorTokens } from '../../src/engine/access-tokens.js';
import { BridgeHealth } from '../../src/engine/bridge-health.js';
import { judgeHealth } from '../../src/engine/health.js';
import { TokenError } from '../../src/identity/issued-token.js';
import { ConnectorEvents } from '../../src/metrics/events.js';
import type { AccessToken } from '../../src/secrets/kafka-credentials.js';
import { captureLog } from '../support/captured-log.js';
import { ManualClock } from '../support/manual-clock.js';

/* Who hears of access tokens: whoever hands them on, the metrics, the log and /readyz. */

const TOKEN: AccessToken = { value: 'planted', expiresAtMs: 1_700_000_100_000, principal: 'p' };

t.test('a connector is not ready until it has an access token, and says why', async (t) => {
  const clock = new ManualClock();
  const health = new BridgeHealth('my-connector');
  const { log, lines } = captureLog();
  const events = new ConnectorEvents('my-connector', log, clock);
  const tokens: AccessToken[] = [];
  let answer: () => AccessToken = () => {
    throw new TokenError('IMDS does not answer');
  };
  const renewal = accessTokenRenewal({
    source: { issue: async () => ({ token: answer(), refreshAtMs: undefined }) },
    clock,
    random: () => 0,
    events,
    health,
    onToken: (token) => tokens.push(token),
  });
  const reasons = () =>
    judgeHealth({ engine: 'running', connectors: [health.report([])] }).reasons.map(
      ({ part, message }) => `${part}: ${message}`,
    );
  t.strictSame(reasons(), ['managed identity: there is no access token yet']);
  renewal.start();
  await new Promise(setImmediate);
  t.strictSame(reasons(), ['managed identity: there is no access token yet: IMDS does not answer']);
  t.equal(events.counters.accessTokenFailures, 1);

  answer = () => TOKEN;
  clock.advance(1_000);
  await new Promise(setImmediate);
  t.strictSame([reasons(), tokens], [[], [TOKEN]]);
  t.equal(events.counters.accessTokenExpiresAtMs, TOKEN.expiresAtMs);
  t.notMatch(JSON.stringify(lines), /planted/);
  renewal.stop();
});

t.test('only a connector with a managed identity has a source of tokens', async (t) => {
  const clock = new ManualClock();
  const plain = connectorOf({});
  t.equal(await openConnectorTokens(plain, {}, clock), undefined);
  const kafka = {
    ...plain.kafka,
    authentication: { kind: 'systemAssignedManagedIdentity', audience: 'https://a' } as const,
  };
  t.type(await openConnectorTokens({ ...plain, kafka }, {}, clock), 'object');
  const half = { AZURE_FEDERATED_TOKEN_FILE: '/nowhere' };
  await t.rejects(openConnectorTokens({ ...plain, kafka }, half, clock), UsageError);
});
