/* Whom a token is for, as logs of librdkafka name it. Kafka judges by the token itself. */

const CLAIMS = ['oid', 'sub', 'appid', 'azp'] as const;
const NAME = /^[A-Za-z0-9._@:-]{1,128}$/;
/** Where the token is no JWT, or has no claim that could be shown. */
const UNNAMED = 'managed-identity';

/** The object, else the application, that a JWT names; its signature is for Kafka to check. */
export function principalOf(token: string): string {
  const claims = claimsOf(token);
  const names = CLAIMS.map((claim) => claims[claim]);
  return (
    names.find((name): name is string => typeof name === 'string' && NAME.test(name)) ?? UNNAMED
  );
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    const claims: unknown = JSON.parse(payload);
    return typeof claims === 'object' && claims !== null ? { ...claims } : {};
  } catch {
    return {};
  }
}
