import type { Kernel } from './kernel.js';

/** The kernels in JavaScript by the part of the path that they are of. Each part loads no other. */
export const parts: ReadonlyMap<string, () => Promise<readonly Kernel[]>> = new Map([
  ['receive', async () => (await import('./receive.js')).receiveKernels],
  ['flow', async () => (await import('./flow.js')).flowKernels],
  ['to-kafka', async () => (await import('./to-kafka.js')).toKafkaKernels],
  ['to-mqtt', async () => (await import('./to-mqtt.js')).toMqttKernels],
]);

/** Those in C++, which native/kernels.cc has. */
export const nativeKernels: readonly string[] = [
  'native/frame-read',
  'native/frame-read-4-headers',
  'native/produce',
  'native/produce-4-headers',
  'native/record',
  'native/record-4-headers',
  'native/report',
  'native/settlements',
];
