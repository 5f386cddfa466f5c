/* Process entry: asks Kafka what the first message says, answers, and ends. Credentials come by that message
 * too: others on the machine may read arguments and environments.
 */
import type { InspectionQuestion, KafkaInspection } from '../channel/kafka-inspection.js';
import { seal } from '../secrets/sealed.js';
import { inspectKafka } from './inspect.js';
import type { KafkaAccess } from './security-properties.js';
import { SecretsRemover } from './without-secrets.js';

process.once('message', async ({ kafka, credentials, request }: InspectionQuestion) => {
  const access: KafkaAccess = { kafka, kafkaCredentials: seal(credentials) };
  const inspection = await inspectKafka(access, request);
  const answer = { ...inspection, fault: withoutSecrets(inspection.fault, access) };
  process.send?.(answer, () => process.disconnect());
});
// Whoever asked is gone, or has the answer.
process.once('disconnect', () => process.exit());

function withoutSecrets(
  fault: KafkaInspection['fault'],
  { kafkaCredentials }: KafkaAccess,
): KafkaInspection['fault'] {
  if (fault === undefined) return undefined;
  const remover = new SecretsRemover(kafkaCredentials);
  const { reason, detail } = remover.clean({ kind: 'kafka', up: false, ...fault });
  return { reason, detail };
}
