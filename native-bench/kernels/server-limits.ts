import type { ServerLimits } from '../../src/mqtt/connack.js';

/** A broker that allows everything and gives Topic Aliases to none. */
export const SERVER_LIMITS: ServerLimits = {
  sessionPresent: false,
  sessionExpirySeconds: undefined,
  receiveMaximum: 65_535,
  maximumQos: 2,
  retainAvailable: true,
  maximumPacketSize: undefined,
  topicAliasMaximum: 0,
  assignedClientId: undefined,
  keepAliveSeconds: undefined,
  wildcards: true,
  subscriptionIdentifiers: true,
  sharedSubscriptions: true,
};
