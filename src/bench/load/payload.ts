/** Text that compresses about as well as JSON from sensors does, the same in every run. */
export function payloadOf(length: number): Buffer {
  const payload = Buffer.allocUnsafe(length);
  let state = 0x2545f491;
  for (let n = 0; n < length; n += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    payload[n] = n % 20 < 10 ? '"reading":'.charCodeAt(n % 10) : 0x30 + ((state >>> 24) % 10);
  }
  return payload;
}

/** The user property, or header, of that number that each message of a load has. */
export function userPropertyOf(n: number): readonly [name: string, value: string] {
  return [`property-${n}`, `value-${n}-of-the-bench`];
}

/** The partition key of that number, where keys are not topics. */
export function keyOf(n: number): string {
  return `key/${n}`;
}

/** The MQTT topic of that number. With several routes they are dealt, and each has the level of its own. */
export function topicNameOf(topicRoot: string, n: number, routes = 1): string {
  return routes === 1 ? `${topicRoot}/${n}` : `${topicRoot}/${n % routes}/${n}`;
}

/** The topic filter of the route of that number. */
export function routeFilterOf(topicRoot: string, route: number, routes: number): string {
  return routes === 1 ? `${topicRoot}/#` : `${topicRoot}/${route}/#`;
}
