/* What is right and validates, but what `run` cannot do yet: it refuses, and never ignores. */
import type { Problem } from '../../base/errors.js';
import { type Path, reporterFor } from '../problem-list.js';
import type { Resources } from '../resource.js';
import { parseMqttEndpoint } from './endpoints.js';

/** One error for each field that this version cannot act on. */
export function notYetSupported(resources: Resources): readonly Problem[] {
  const problems: Problem[] = [];
  for (const { kind, name, document, spec } of resources.connectors) {
    const report = reporterFor(problems, document, `${kind}/${name}`);
    const refuse = (path: Path, what: string, hint: string) =>
      report.error(['spec', ...path], { message: `this version cannot ${what} yet`, hint });
    const { kafkaConnection: kafka, localBrokerConnection: local } = spec;
    const plain = 'use a plain end point and tlsEnabled: false';
    if (kafka?.tls?.tlsEnabled === true) {
      refuse(['kafkaConnection', 'tls', 'tlsEnabled'], 'encrypt the connection to Kafka', plain);
    }
    if (kafka?.authentication?.enabled === true) {
      const path = ['kafkaConnection', 'authentication', 'enabled'];
      refuse(
        path,
        'authenticate to Kafka',
        'use a listener without authentication: enabled: false',
      );
    }
    if (local?.tls?.tlsEnabled === true) {
      const path = ['localBrokerConnection', 'tls', 'tlsEnabled'];
      refuse(path, 'encrypt the connection to the MQTT broker', plain);
    }
    if (local?.authentication?.kubernetes !== undefined) {
      const path = ['localBrokerConnection', 'authentication', 'kubernetes'];
      refuse(path, 'authenticate to the MQTT broker', 'use a listener without authentication');
    }
    const endpoint = parseMqttEndpoint(local?.endpoint ?? '');
    if (endpoint.ok && endpoint.value.scheme !== 'mqtt') {
      const path = ['localBrokerConnection', 'endpoint'];
      refuse(path, `use ${endpoint.value.scheme}://`, 'use mqtt://, or host:port');
    }
  }
  for (const { kind, name, document, spec } of resources.topicMaps) {
    const report = reporterFor(problems, document, `${kind}/${name}`);
    for (const [index, route] of (spec.routes ?? []).entries()) {
      if (route?.kafkaToMqtt === undefined) continue;
      report.error(['spec', 'routes', index, 'kafkaToMqtt'], {
        message: 'this version cannot carry messages from Kafka to MQTT yet',
        hint: 'leave the route out',
      });
    }
  }
  return problems;
}
