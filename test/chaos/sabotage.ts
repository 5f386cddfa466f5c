/** What a connector under test is told to do to itself; a line of JSON on its socket. */
export interface Sabotage {
  readonly act: 'terminate' | 'error' | 'heap' | 'block' | 'blockMain';
  /** How long a thread is blocked. */
  readonly ms: number;
}

/** main -> workers */
export interface SabotageOrder extends Sabotage {
  readonly threadId: number;
}

/** Names the socket, in the environment of the process. */
export const SABOTAGE_SOCKET = 'MILLRACE_CHAOS_SOCKET';
export const SABOTAGE_CHANNEL = 'millrace-chaos';
/** The answer once an order is on its way. */
export const SABOTAGE_DONE = 'done\n';
