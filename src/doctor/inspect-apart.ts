/* Asks Kafka in a process that ends with the answer. Over some answers that break Kafka's protocol librdkafka
 * ends the process that it is in, and what doctor is pointed at may be anything: so that process is not ours.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { InspectionQuestion, KafkaInspection } from '../channel/kafka-inspection.js';
import { unseal } from '../secrets/sealed.js';
import type { Inspection } from './kafka.js';

const PROCESS_FILE = fileURLToPath(new URL('../kafka/inspect-main.js', import.meta.url));
/** What the process may take beside the time that its questions have. */
const GRACE_MS = 20_000;
/** What a process ends by that has gone wrong itself. */
const CRASHES: ReadonlySet<string> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL']);

/** Rejects only where no process can be started. Ends it after `graceMs` more than its questions have. */
export async function inspectApart(
  { access, request }: Inspection,
  graceMs = GRACE_MS,
): Promise<KafkaInspection> {
  const { kafka, kafkaCredentials } = access;
  const child = fork(PROCESS_FILE, [], {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let answer: KafkaInspection | undefined;
  child.once('message', (message: KafkaInspection) => {
    answer = message;
  });
  const credentials = unseal(kafkaCredentials);
  const question: InspectionQuestion = { kafka, credentials, request };
  // Where it cannot be sent, the process has ended, which says so itself.
  child.send(question, () => {});
  let isOverdue = false;
  const timer = setTimeout(() => {
    isOverdue = true;
    child.kill('SIGKILL');
  }, request.timeoutMs + graceMs);
  const [[code, signal]] = (await Promise.all([
    once(child, 'exit'),
    once(child, 'disconnect'),
  ]).finally(() => clearTimeout(timer))) as [[number | null, NodeJS.Signals | null], unknown[]];
  if (answer !== undefined) return answer;
  const server = kafka.bootstrapServers;
  if (isOverdue)
    return noAnswer('timeout', `${server} did not answer within ${request.timeoutMs} ms`);
  if (signal !== null && CRASHES.has(signal))
    return noAnswer('protocol', crashText(server, signal));
  return noAnswer(
    'network',
    `the process that asks ${server} ended (${signal ?? `exit code ${code}`})`,
  );
}

type Fault = Exclude<KafkaInspection['fault'], undefined>;

function noAnswer(reason: Fault['reason'], detail: string): KafkaInspection {
  return { fault: { reason, detail }, brokers: [], topics: [], groups: [] };
}

function crashText(server: string, signal: string): string {
  return (
    `Kafka's client ended (${signal}) on an answer that breaks its protocol: what answers at ${server}, or ` +
    'at the addresses that it names, is no Kafka, or something between changes what it says'
  );
}
