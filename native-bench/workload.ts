/* What all three programs do: the same records, settings, window and way of counting. */
import { parseArgs } from 'node:util';

export interface Workload {
  readonly brokers: string;
  readonly topic: string;
  readonly lingerMs: number;
  readonly messages: number;
  readonly warmup: number;
  readonly headers: number;
}

/** One line of JSON on standard output. */
export interface Result {
  readonly cpuUsPerMessage: number;
  readonly messagesPerSecond: number;
}

/** Records that wait for their delivery report at the same moment. */
export const WINDOW = 10_000;
export const KEYS = 1000;
export const KEY_BYTES = 16;
export const PAYLOAD_BYTES = 200;
export const HEADER_VALUE = 'a value of header';

export function readWorkload(): Workload {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      brokers: text,
      topic: text,
      'linger-ms': text,
      messages: text,
      warmup: text,
      headers: text,
    },
  });
  return {
    brokers: values.brokers ?? '127.0.0.1:9092',
    topic: values.topic ?? 'native-bench',
    lingerMs: Number(values['linger-ms'] ?? 0),
    messages: Number(values.messages ?? 1_000_000),
    warmup: Number(values.warmup ?? 50_000),
    headers: Number(values.headers ?? 0),
  };
}

/** librdkafka's settings, the same as in plain-c/produce.c; `acks` is a topic's. */
export function settingsOf(workload: Workload): Record<string, string> {
  return {
    'bootstrap.servers': workload.brokers,
    'linger.ms': String(workload.lingerMs),
    'max.in.flight.requests.per.connection': '5',
    'queue.buffering.max.messages': '10000000',
  };
}

/** The nth of `KEYS` keys. */
export function keyOf(n: number): string {
  return `key-${String(n).padStart(12, '0')}`;
}

/** Sends the warm-up, then measures the CPU time of the whole process, librdkafka's threads too. */
export async function measure(
  workload: Workload,
  sendAll: (messages: number) => Promise<void>,
): Promise<void> {
  if (workload.warmup > 0) await sendAll(workload.warmup);
  const cpuAtStart = process.cpuUsage();
  const startMs = performance.now();
  await sendAll(workload.messages);
  const cpu = process.cpuUsage(cpuAtStart);
  const seconds = (performance.now() - startMs) / 1000;
  const result: Result = {
    cpuUsPerMessage: (cpu.user + cpu.system) / workload.messages,
    messagesPerSecond: workload.messages / seconds,
  };
  console.log(JSON.stringify(result));
}
