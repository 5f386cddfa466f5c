/* The metrics of the values of secrets that connections are made with. */
import type { CredentialCounters } from './credential-events.js';
import { type MetricDefinition, ofConnector } from './metric-definition.js';

type Described = Pick<MetricDefinition, 'name' | 'help'>;

function ofSide(
  type: MetricDefinition['type'],
  described: Described,
  read: (counters: CredentialCounters) => number,
): MetricDefinition {
  return ofConnector(type, { ...described, labels: ['side'] }, ({ credentials }) =>
    [...credentials.values()].map((counters) => ({
      labels: { side: counters.side },
      value: read(counters),
    })),
  );
}

export const credentialMetrics: readonly MetricDefinition[] = [
  ofSide(
    'counter',
    {
      name: 'millrace_credentials_changes_total',
      help: 'New values of secrets, CAs and tokens that have come into service since the start',
    },
    ({ changes }) => changes,
  ),
  ofSide(
    'counter',
    {
      name: 'millrace_credentials_refused_total',
      help: 'New values that were refused or cannot be used, once for each reason; those before stay in service',
    },
    ({ refusals }) => refusals,
  ),
  ofSide(
    'gauge',
    {
      name: 'millrace_credentials_refused',
      help: '1 where there are newer values than those in service, which do not work',
    },
    ({ isRefused }) => (isRefused ? 1 : 0),
  ),
  ofConnector(
    'gauge',
    {
      name: 'millrace_certificate_expiry_seconds',
      help: 'Time until a certificate in service expires, below 0 where it has: the client certificate, and of the CA certificates in a config map the one that is good for longest',
      labels: ['side', 'certificate'],
    },
    ({ credentials }, clock) =>
      [...credentials.values()].flatMap(({ side, certificatesExpireAtMs }) =>
        [...certificatesExpireAtMs].map(([certificate, atMs]) => ({
          labels: { side, certificate },
          value: (atMs - clock.wallMs()) / 1000,
        })),
      ),
  ),
];
