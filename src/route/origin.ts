/* Where a message has been. The header `Millrace` of a record lists the built-in properties that became
 * headers and the route; the user property `Millrace-Origin` of a PUBLISH carries the same on the way
 * back, so that a message which comes through the same route again can be stopped.
 *
 *   Millrace: v=1;properties=Content Type,QoS;path=my-connector/route1
 *   Millrace-Origin: my-connector/route2,my-connector/route1
 *
 * Names of connectors and routes are escaped as in URIs, so that `/`, `,`, `;` separate.
 */

export const MILLRACE_HEADER = 'Millrace';
export const ORIGIN_PROPERTY = 'Millrace-Origin';
/** Longer paths than this are cut at the front: a loop is found within as many hops. */
const HOPS_MAX = 16;

/** One hop: a connector and one of its routes. */
export function hop(connector: string, route: string): string {
  return `${encodeURIComponent(connector)}/${encodeURIComponent(route)}`;
}

/** Whether the path of a `Millrace-Origin` contains this hop. */
export function hasPassed(origin: string, through: string): boolean {
  return origin.split(',').includes(through);
}

/** What is no hop is left out of a path: anybody may have sent it. */
const HOP = /^[\w.!~*'()%-]*\/[\w.!~*'()%-]*$/;
/** A path travels as a user property too. */
const PATH_BYTES_MAX = 65_535;

/** The path that a message came by, with this hop behind it. */
export function extendPath(path: string | undefined, through: string): string {
  if (path === undefined) return through;
  const hops = [...path.split(',').filter((each) => HOP.test(each)), through].slice(-HOPS_MAX);
  let joined = hops.join(',');
  while (joined.length > PATH_BYTES_MAX) {
    hops.shift();
    joined = hops.join(',');
  }
  return joined;
}

/** Value of the header `Millrace`. `origin` is the `Millrace-Origin` that the message came with. */
export function millraceHeader(
  properties: readonly string[],
  through: string,
  origin: string | undefined,
): string {
  return `v=1;properties=${properties.join(',')};path=${extendPath(origin, through)}`;
}

export interface MillraceHeader {
  /** Names of the headers that stand for something of MQTT. */
  readonly properties: readonly string[];
  readonly path: string;
}

/** What `millraceHeader` wrote; undefined for any other text. */
export function parseMillraceHeader(value: string): MillraceHeader | undefined {
  const match = /^v=1;properties=([^;]*);path=(.*)$/s.exec(value);
  if (match === null) return undefined;
  return { properties: (match[1] as string).split(','), path: match[2] as string };
}
