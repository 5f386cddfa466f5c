/* Asks `millrace explain` about a message, for tests. */
import { type ExplainCommandOptions, explainCommand } from '../../src/cli/explain.js';
import type { Explanation, RouteExplanation } from '../../src/explain/explanation.js';
import { connector, KAFKA, toKafka } from '../config/documents.js';

const FLAGS = { instanceId: 0, qos: 1, retain: false, size: 0, userProperty: [] } as const;
export type Asked = Partial<ExplainCommandOptions> & { readonly topic: string };

export async function run(documents: string, asked: Asked) {
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

/** The one route that matches. */
export async function askRoute(documents: string, asked: Asked): Promise<RouteExplanation> {
  const { connectors, routesMatched } = await ask(documents, asked);
  if (routesMatched !== 1) throw new Error(`${routesMatched} routes match`);
  return connectors[0]?.matched[0] as RouteExplanation;
}

/** Connector `c` with one route `r`. */
export const mapOf = (spec: string, filter = 'plant/#', topic = 'plants') =>
  connector(`${KAFKA}\nshards: 4`) + toKafka(`mqttTopic: "${filter}"\nkafkaTopic: ${topic}`, spec);
