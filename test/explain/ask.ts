/* Asks `millrace explain` about a message, for tests. */
import { explainCommand } from '../../src/cli/explain.js';
import type { ExplainCommandOptions } from '../../src/cli/explain-options.js';
import type { Explanation, RouteExplanation } from '../../src/explain/explanation.js';
import type { ToMqttExplanation } from '../../src/explain/to-mqtt-explanation.js';
import { connector, KAFKA, toKafka } from '../config/documents.js';

const FLAGS = {
  instanceId: 0,
  qos: 1,
  retain: false,
  size: 0,
  userProperty: [],
  header: [],
  partition: 0,
} as const;
type Flags = Partial<ExplainCommandOptions>;
export type Asked = Flags & { readonly topic: string };
export type AskedRecord = Flags & { readonly kafkaTopic: string };

export async function run(documents: string, asked: Asked | AskedRecord) {
  let stdout = '';
  let stderr = '';
  async function* stdin() {
    yield documents;
  }
  await explainCommand(
    { ...FLAGS, file: ['-'], json: false, ...asked },
    {
      stdin: stdin(),
      stdout: {
        write: (text) => {
          stdout += text;
        },
      },
      stderr: {
        write: (text) => {
          stderr += text;
        },
      },
    },
  );
  return { stdout, stderr };
}

export async function ask(documents: string, asked: Asked): Promise<Explanation> {
  return JSON.parse((await run(documents, { ...asked, json: true })).stdout) as Explanation;
}

export async function askRecord(documents: string, asked: AskedRecord): Promise<ToMqttExplanation> {
  return JSON.parse((await run(documents, { ...asked, json: true })).stdout) as ToMqttExplanation;
}

/** The one route that matches. */
export async function askRoute(documents: string, asked: Asked): Promise<RouteExplanation> {
  const { connectors, routesMatched } = await ask(documents, asked);
  if (routesMatched !== 1) throw new Error(`${routesMatched} routes match`);
  return connectors[0]?.matched[0] as RouteExplanation;
}

/** Connector `c` with one route `r`. */
export const mapOf = (spec: string, filter = 'plant/#', topic = 'plants') =>
  connector(`${KAFKA}\nshards: 4`) + toKafka(`mqttTopic: "${filter}"\nkafkaTopic: ${topic}`, spec);
