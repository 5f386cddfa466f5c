/* Thread entry: asks Kafka what workerData says, posts the answer, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import type { InspectionRequest, KafkaInspection } from '../channel/kafka-inspection.js';
import { inspectKafka } from '../kafka/inspect.js';
import type { KafkaAccess } from '../kafka/security-properties.js';
import { SecretsRemover } from '../kafka/without-secrets.js';

const { access, request } = workerData as { access: KafkaAccess; request: InspectionRequest };
const inspection = await inspectKafka(access, request);
parentPort?.postMessage({ ...inspection, fault: withoutSecrets(inspection.fault) });

function withoutSecrets(fault: KafkaInspection['fault']): KafkaInspection['fault'] {
  if (fault === undefined) return undefined;
  const remover = new SecretsRemover(access.kafkaCredentials);
  const { reason, detail } = remover.clean({ kind: 'kafka', up: false, ...fault });
  return { reason, detail };
}
