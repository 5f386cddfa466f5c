import { LOCAL_ENDPOINT } from '../kinds/kafka-connector.js';
import type { Fault } from '../problem-list.js';
import type { ConnectorResource } from '../resource.js';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export type MqttScheme = 'mqtt' | 'mqtts' | 'ws' | 'wss';

export interface MqttEndpoint extends HostPort {
  /** `mqtt` where none is written. */
  readonly scheme: MqttScheme;
  /** Where MQTT travels over WebSocket. */
  readonly webSocketPath: string | undefined;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault };

const HOST = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const IPV6 = /^\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\]$/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;
const MQTT_SCHEMES: readonly string[] = ['mqtt', 'mqtts', 'ws', 'wss'] satisfies MqttScheme[];

function wrong(message: string, hint: string): { ok: false; fault: Fault } {
  return { ok: false, fault: { message, hint } };
}

/** `host:port`, several with commas between them; no white space is kept. */
export function parseKafkaEndpoint(text: string): Parsed<readonly HostPort[]> {
  const servers: HostPort[] = [];
  const entries = text.split(',').map((entry) => entry.trim());
  for (const [index, entry] of entries.entries()) {
    const which = entries.length > 1 ? `entry ${index + 1} ` : '';
    if (entry === '') return wrong(`${which}is empty`, 'write host:port,host:port');
    if (SCHEME.test(entry)) {
      return wrong(`${which}has a scheme`, 'write host:port; the tls field says whether it is TLS');
    }
    const parsed = parseHostPort(entry, which, 'such as kafka.example.com:9092');
    if (!parsed.ok) return parsed;
    servers.push(parsed.value);
  }
  return { ok: true, value: servers };
}

/** `[scheme://]host:port`, IPv6 in brackets; `mqtt` where no scheme is written. */
export function parseMqttEndpoint(text: string): Parsed<MqttEndpoint> {
  const scheme = (SCHEME.exec(text)?.[1] ?? 'mqtt').toLowerCase();
  if (!isMqttScheme(scheme)) {
    return wrong(
      'has a scheme that is not known',
      `use one of ${MQTT_SCHEMES.join(', ')}, or none`,
    );
  }
  const rest = text.replace(SCHEME, '');
  const slash = rest.indexOf('/');
  const address = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? '' : rest.slice(slash);
  const overWebSocket = scheme === 'ws' || scheme === 'wss';
  const parsed = parseHostPort(address, '', 'such as localhost:1883');
  if (!parsed.ok) return parsed;
  if (path !== '' && !overWebSocket) {
    return wrong('has a path after the port', 'only ws:// and wss:// have one');
  }
  const webSocketPath = overWebSocket ? path || '/' : undefined;
  return { ok: true, value: { ...parsed.value, scheme, webSocketPath } };
}

/** Whether the scheme alone says that the connection is encrypted. */
export function meansTls(scheme: MqttScheme): boolean {
  return scheme === 'mqtts' || scheme === 'wss';
}

function isMqttScheme(scheme: string): scheme is MqttScheme {
  return MQTT_SCHEMES.includes(scheme);
}

/** No message repeats the text: it may hold a password. */
function parseHostPort(text: string, which: string, example: string): Parsed<HostPort> {
  if (text.includes('@')) {
    return wrong(`${which}has credentials in it`, 'leave them out: they belong in a secret');
  }
  const colon = text.lastIndexOf(':');
  const hasPort = colon > 0 && !text.endsWith(']');
  const host = hasPort ? text.slice(0, colon) : text;
  const bracketed = IPV6.exec(host)?.[1];
  if (bracketed === undefined && !HOST.test(host)) {
    const hint = host.includes(':') ? 'write an IPv6 address as [::1]:1883' : example;
    return wrong(`${which}has no valid host name`, hint);
  }
  if (!hasPort) return wrong(`${which}has no port`, example);
  const port = /^[0-9]{1,5}$/.test(text.slice(colon + 1)) ? Number(text.slice(colon + 1)) : 0;
  if (port < 1 || port > 65_535) {
    return wrong(`${which}has no valid port`, 'must be a number from 1 to 65535');
  }
  return { ok: true, value: { host: bracketed ?? host, port } };
}

/** As librdkafka reads it. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether both connectors name a broker that belongs to one Kafka cluster, as far as names tell. */
export function shareKafka(a: ConnectorResource, b: ConnectorResource): boolean {
  if (a === b) return true;
  const servers = new Set(kafkaServers(a));
  return kafkaServers(b).some((server) => servers.has(server));
}

function kafkaServers({ spec }: ConnectorResource): readonly string[] {
  const parsed = parseKafkaEndpoint(spec.kafkaConnection?.endpoint ?? '');
  return parsed.ok ? parsed.value.map((server) => formatHostPort(server).toLowerCase()) : [];
}

/** Whether both connectors have the same MQTT broker, as far as names tell. */
export function shareMqtt(a: ConnectorResource, b: ConnectorResource): boolean {
  if (a === b) return true;
  const server = mqttServer(a);
  return server !== undefined && server === mqttServer(b);
}

function mqttServer({ spec }: ConnectorResource): string | undefined {
  const parsed = parseMqttEndpoint(spec.localBrokerConnection?.endpoint ?? LOCAL_ENDPOINT);
  return parsed.ok ? formatHostPort(parsed.value).toLowerCase() : undefined;
}
