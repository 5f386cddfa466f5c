/* What is right and validates, but what `run` cannot do yet: it refuses, and never ignores. A hint
 * here names what this version can run, and never what another message asks to undo.
 */
import type { Problem } from '../../base/errors.js';
import type { Partially } from '../kinds/field.js';
import type { KafkaConnectorSpec } from '../kinds/kafka-connector.js';
import { type Path, reporterFor } from '../problem-list.js';
import type { Resources } from '../resource.js';

type Spec = Partially<KafkaConnectorSpec>;
type Refuse = (path: Path, what: string, hint: string) => void;

/**
 * One error for each field that this version cannot act on, in any order; `validate` makes warnings
 * of them. Also of resources with other problems, so that both are seen at once.
 */
export function notYetSupported(resources: Resources): readonly Problem[] {
  const problems: Problem[] = [];
  for (const { kind, name, document, spec } of resources.connectors) {
    const report = reporterFor(problems, document, `${kind}/${name}`);
    const refuse: Refuse = (path, what, hint) =>
      report.error(['spec', ...path], { message: `this version cannot ${what} yet`, hint });
    refuseKafka(spec.kafkaConnection, refuse);
  }
  return problems;
}

function refuseKafka(kafka: Spec['kafkaConnection'], refuse: Refuse): void {
  const { enabled, authType } = kafka?.authentication ?? {};
  if (enabled !== true || authType?.systemAssignedManagedIdentity === undefined) return;
  const path = ['kafkaConnection', 'authentication', 'authType', 'systemAssignedManagedIdentity'];
  const hint = 'use sasl, for Event Hubs with a connection string as password';
  refuse(path, 'authenticate to Kafka with a managed identity', hint);
}
