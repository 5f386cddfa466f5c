/* Doctor: connects as `run` would, and tells step by step what works. It changes nothing on any server.
 * Main thread; what needs librdkafka is done in a process that ends with it (inspect-apart.ts).
 */
import type { Model } from '../config/model.js';
import type { SecretSource } from '../secrets/secret-source.js';
import { checkKafka, type KafkaOptions } from './kafka.js';
import { checkMqtt } from './mqtt.js';
import { type Step, Steps } from './report.js';

export interface DoctorOptions extends KafkaOptions {
  readonly model: Model;
  readonly secrets: SecretSource;
  /** Each step as soon as it is over. */
  readonly onStep: (step: Step) => void;
}

/** Checks every connector that runs; resolves with all steps, in their order. */
export async function examine(options: DoctorOptions): Promise<readonly Step[]> {
  const { model, secrets, onStep } = options;
  const all: Step[] = [];
  const add = (step: Step) => {
    all.push(step);
    onStep(step);
  };
  for (const connector of model.connectors.filter(({ instances }) => instances > 0)) {
    await checkMqtt(new Steps(connector.name, 'mqtt', add), connector, secrets, options);
    await checkKafka(new Steps(connector.name, 'kafka', add), connector, secrets, options);
  }
  return all;
}
