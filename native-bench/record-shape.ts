import type { RecordShape } from '../src/route/to-kafka.js';

/** A route whose records have their topic as key and as a header. */
export function recordShape(copyMqttProperties: boolean): RecordShape {
  return {
    routeIndex: 0,
    keyIsTopic: true,
    keyProperty: undefined,
    copyMqttProperties,
    preserveTopic: true,
    loopGuard: true,
    through: 'bench/route',
  };
}
