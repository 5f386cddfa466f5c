import { serverLimits } from '../../src/mqtt/connack.js';

/** A broker that allows everything and gives Topic Aliases to none. */
export const SERVER_LIMITS = serverLimits({ cmd: 'connack', sessionPresent: false });
