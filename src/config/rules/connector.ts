/* What a KafkaConnector must satisfy beyond its schema. */
import type { SourceDocument } from '../document.js';
import type { Partially } from '../kinds/field.js';
import type { KafkaConnectorSpec } from '../kinds/kafka-connector.js';
import type { Path, Reporter } from '../problem-list.js';
import type { ConnectorResource } from '../resource.js';
import type { ObjectStore } from '../secrets.js';
import { type HostPort, meansTls, parseKafkaEndpoint, parseMqttEndpoint } from './endpoints.js';
import { mqttStringFault } from './names.js';

export interface Stores {
  readonly secrets: ObjectStore;
  readonly configMaps: ObjectStore;
}

interface Scope {
  readonly document: SourceDocument;
  readonly stores: Stores;
  readonly report: Reporter;
}

type Spec = Partially<KafkaConnectorSpec>;
type KafkaConnection = NonNullable<Spec['kafkaConnection']>;
type Authentication = NonNullable<KafkaConnection['authentication']>;
type AuthType = NonNullable<Authentication['authType']>;
type Tls = KafkaConnection['tls'];
type LocalAuthentication = NonNullable<
  NonNullable<Spec['localBrokerConnection']>['authentication']
>;

const KAFKA: Path = ['spec', 'kafkaConnection'];
const LOCAL: Path = ['spec', 'localBrokerConnection'];
const EVENT_HUBS = '.servicebus.windows.net';
const TLS_OR_NO_LOGIN = 'write tls.tlsEnabled: true, or authentication.enabled: false';

/**
 * Reports what is wrong with one KafkaConnector to its own reporter, all at once; throws nothing. What
 * a faulty field leaves undefined is not checked further.
 */
export function checkConnector(
  resource: ConnectorResource,
  instanceId: number,
  stores: Stores,
): void {
  const { spec, document, report } = resource;
  checkInstances(spec.instances, instanceId, report);
  const prefixFault = mqttStringFault(spec.clientIdPrefix ?? '');
  if (prefixFault !== undefined) report.error(['spec', 'clientIdPrefix'], prefixFault);
  const scope = { document, stores, report };
  if (spec.kafkaConnection !== undefined) checkKafka(spec.kafkaConnection, scope);
  checkLocalBroker(spec.localBrokerConnection, scope);
}

function checkInstances(instances: number | undefined, instanceId: number, report: Reporter): void {
  const path = ['spec', 'instances'];
  if (instances === undefined) return;
  if (instances === 0) {
    report.warning(path, { message: '0 means that nothing runs', hint: 'give it 1 or more' });
  } else if (instanceId >= instances) {
    report.error(path, {
      message: `this process is instance ${instanceId}, but there are ${instances}`,
      hint: `give --instance-id a number from 0 to ${instances - 1}`,
    });
  } else if (instances > 1) {
    report.warning(path, {
      message: `this process is instance ${instanceId} of ${instances}, counted from 0`,
      hint: 'start the others with --instance-id',
    });
  }
}

function checkKafka({ endpoint, tls, authentication }: KafkaConnection, scope: Scope): void {
  const { report } = scope;
  if (endpoint !== undefined) {
    const parsed = parseKafkaEndpoint(endpoint);
    if (!parsed.ok) report.error([...KAFKA, 'endpoint'], parsed.fault);
    else {
      checkEventHubs(parsed.value, tls, report);
      if (authentication?.enabled === true) checkAudience(authentication, parsed.value, report);
    }
  }
  checkTls(tls, tls?.tlsEnabled, [...KAFKA, 'tls'], scope);
  if (authentication?.enabled !== true) return;
  checkAuthentication(authentication, tls?.tlsEnabled, scope);
}

/** Whether one of the servers is an Azure Event Hubs namespace, by its name. */
export function isEventHubs(servers: readonly HostPort[]): boolean {
  return servers.some(({ host }) => host.toLowerCase().endsWith(EVENT_HUBS));
}

function checkEventHubs(servers: readonly HostPort[], tls: Tls, report: Reporter): void {
  if (!isEventHubs(servers) || tls?.tlsEnabled !== false) return;
  const message = 'Event Hubs take encrypted connections only';
  report.error([...KAFKA, 'tls', 'tlsEnabled'], { message, hint: 'write true' });
}

/** Event Hubs take tokens for their own namespace only, and say of others no more than that they refuse them. */
function checkAudience(
  { authType }: Authentication,
  servers: readonly HostPort[],
  report: Reporter,
): void {
  const audience = authType?.systemAssignedManagedIdentity?.audience ?? '';
  const host = URL.canParse(audience) ? new URL(audience).hostname : '';
  const [first] = servers;
  if (first === undefined || !isEventHubs(servers) || !host.endsWith(EVENT_HUBS)) return;
  if (servers.some((server) => server.host.toLowerCase() === host)) return;
  const path = ['authentication', 'authType', 'systemAssignedManagedIdentity', 'audience'];
  report.warning([...KAFKA, ...path], {
    message: `is the namespace ${host}, and the end point is another one`,
    hint: `write https://${first.host}`,
  });
}

function checkTls(
  tls: Tls,
  tlsEnabled: boolean | undefined,
  path: Path,
  { stores, report }: Scope,
): void {
  if (tls === undefined) return;
  const { caConfigMap, trustedCaCertificateConfigMap: other } = tls;
  const field = caConfigMap === undefined ? 'trustedCaCertificateConfigMap' : 'caConfigMap';
  const name = caConfigMap ?? other;
  if (name === undefined) return;
  if (other !== undefined && other !== name) {
    const message = 'contradicts caConfigMap, which is the same field';
    const hint = 'keep one of the two';
    report.error([...path, 'trustedCaCertificateConfigMap'], { message, hint });
  }
  if (tlsEnabled === true) stores.configMaps.require(name, [], [...path, field], report);
  else if (tlsEnabled === false) report.warning([...path, field], NO_EFFECT);
}

const NO_EFFECT = { message: 'has no effect: TLS is off', hint: 'write tlsEnabled: true' };

const METHODS = ['sasl', 'x509', 'systemAssignedManagedIdentity'] as const;

function checkAuthentication(
  authentication: Authentication,
  tlsEnabled: boolean | undefined,
  scope: Scope,
): void {
  const { document, report } = scope;
  const path = [...KAFKA, 'authentication', 'authType'];
  const { authType } = authentication;
  if (!document.written(path.slice(0, -1)).includes('authType')) {
    const hint = `give one of ${METHODS.join(', ')}, or write enabled: false`;
    report.error(path, { message: 'is missing: enabled is true', hint });
  }
  if (authType === undefined) return;
  const methods = document.written(path);
  if (methods.length === 0) {
    report.error(path, { message: 'names no method', hint: `give one of ${METHODS.join(', ')}` });
  }
  refuseSeveral(METHODS, path, scope);
  checkSasl(authType.sasl, [...path, 'sasl'], scope);
  checkX509(authType.x509, tlsEnabled, TLS_OR_NO_LOGIN, [...path, 'x509'], scope);
  const sends = authType.sasl ?? authType.systemAssignedManagedIdentity;
  if (sends !== undefined && tlsEnabled === false) {
    report.warning(path, { message: OPEN_LOGIN, hint: TLS_OR_NO_LOGIN });
  }
}

const OPEN_LOGIN = 'without TLS whoever listens on the network can read or take over the login';

/** Reports where more than one of `methods` is written at `path`. */
function refuseSeveral(
  methods: readonly string[],
  path: Path,
  { document, report }: Pick<Scope, 'document' | 'report'>,
): void {
  const written = document.written(path);
  const known = methods.filter((method) => written.includes(method));
  if (known.length < 2) return;
  const message = `has ${known.length} methods: ${known.join(', ')}`;
  report.error(path, { message, hint: 'keep one of them' });
}

function checkSasl(sasl: AuthType['sasl'], path: Path, scope: Scope): void {
  const { document, stores, report } = scope;
  if (sasl === undefined) return;
  const { secretName, token } = sasl;
  const name = secretName ?? token?.secretName;
  const fields = document.written(path);
  if (!fields.includes('secretName') && !fields.includes('token')) {
    const hint = 'name the secret with the keys username and password';
    report.error([...path, 'secretName'], { message: 'is missing', hint });
  }
  if (token?.secretName !== undefined && token.secretName !== name) {
    const message = 'contradicts secretName, which is the same field';
    report.error([...path, 'token', 'secretName'], { message, hint: 'keep one of the two' });
  }
  if (name === undefined) return;
  const field = secretName === undefined ? ['token', 'secretName'] : ['secretName'];
  stores.secrets.require(name, ['username', 'password'], [...path, ...field], report);
}

function checkX509(
  x509: AuthType['x509'],
  tlsEnabled: boolean | undefined,
  remedy: string,
  path: Path,
  { stores, report }: Scope,
): void {
  if (x509 === undefined) return;
  if (tlsEnabled === false) {
    const message = 'a client certificate needs TLS, which is off';
    report.error(path, { message, hint: remedy });
  }
  if (x509.secretName === undefined) return;
  const keys = ['tls.crt', 'tls.key'];
  stores.secrets.require(x509.secretName, keys, [...path, 'secretName'], report);
}

function checkLocalBroker(connection: Spec['localBrokerConnection'], scope: Scope): void {
  if (connection === undefined) return;
  const { endpoint, tls, authentication } = connection;
  const path = [...LOCAL, 'tls'];
  const tlsEnabled = localTlsEnabled(endpoint, tls?.tlsEnabled, scope);
  checkTls(tls, tlsEnabled, path, scope);
  if (tlsEnabled === false && scope.document.written(path).includes('alpnProtocols')) {
    scope.report.warning([...path, 'alpnProtocols'], NO_EFFECT);
  }
  if (authentication !== undefined) checkLocalAuthentication(authentication, tlsEnabled, scope);
}

/** By the end point's scheme, where `tlsEnabled` is not written; undefined where that cannot be told. */
function localTlsEnabled(
  endpoint: string | undefined,
  tlsEnabled: boolean | undefined,
  { document, report }: Scope,
): boolean | undefined {
  const path = [...LOCAL, 'endpoint'];
  if (endpoint === undefined) return tlsEnabled;
  const parsed = parseMqttEndpoint(endpoint);
  if (!parsed.ok) {
    report.error(path, parsed.fault);
    return tlsEnabled === true ? true : undefined;
  }
  const { scheme } = parsed.value;
  if (!meansTls(scheme)) return tlsEnabled;
  if (tlsEnabled === false && document.written([...LOCAL, 'tls']).includes('tlsEnabled')) {
    const message = `${scheme}:// means TLS, but tls.tlsEnabled is false`;
    const plain = `${scheme.slice(0, -1)}:// for a connection without TLS`;
    report.error(path, { message, hint: `write tls.tlsEnabled: true, or ${plain}` });
  }
  return true;
}

const LOCAL_METHODS = ['kubernetes', 'usernamePassword', 'x509'] as const;
const LOCAL_TLS_OR_NO_LOGIN = 'write tls.tlsEnabled: true, or authentication: {}';

function checkLocalAuthentication(
  authentication: LocalAuthentication,
  tlsEnabled: boolean | undefined,
  scope: Scope,
): void {
  const { stores, report } = scope;
  const path = [...LOCAL, 'authentication'];
  const { kubernetes, usernamePassword, x509 } = authentication;
  refuseSeveral(LOCAL_METHODS, path, scope);
  const secretName = usernamePassword?.secretName;
  if (secretName !== undefined) {
    const at = [...path, 'usernamePassword', 'secretName'];
    stores.secrets.require(secretName, ['username', 'password'], at, report);
  }
  checkX509(x509, tlsEnabled, LOCAL_TLS_OR_NO_LOGIN, [...path, 'x509'], scope);
  if ((kubernetes ?? usernamePassword) !== undefined && tlsEnabled === false) {
    report.warning(path, { message: OPEN_LOGIN, hint: LOCAL_TLS_OR_NO_LOGIN });
  }
}
