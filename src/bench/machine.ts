/* The machine that a bench runs on, as far as its figures depend on it. */
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import kafka from 'node-rdkafka';

export interface Machine {
  readonly cores: number;
  /** The model's name. */
  readonly cpu: string;
  readonly architecture: string;
  readonly memoryBytes: number;
  /** Operating system and release. */
  readonly kernel: string;
  readonly node: string;
  readonly librdkafka: string;
}

export function thisMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    architecture: arch(),
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
    node: process.version,
    librdkafka: kafka.librdkafkaVersion,
  };
}
